/* SPDX-License-Identifier: Apache-2.0 */
/* In place of an object. */
static const unsigned char object[1] = {0};
