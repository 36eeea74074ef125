// SPDX-License-Identifier: GPL-2.0-only
/*
 * Hits the USDT probe fleetbpf:called with 41, and ends. The probe is written out as <sys/sdt.h>
 * would, and there is no libc, so that it builds anywhere and is small enough to be sent anywhere:
 * gcc -static -nostdlib
 */
__attribute__((noinline)) static void called(int argument)
{
	__asm__ volatile("990: nop\n"
			 ".pushsection .note.stapsdt,\"\",\"note\"\n"
			 ".balign 4\n"
			 ".4byte 992f-991f, 994f-993f, 3\n"
			 "991: .asciz \"stapsdt\"\n"
			 "992: .balign 4\n"
			 "993: .8byte 990b, _.stapsdt.base, 0\n"
			 ".asciz \"fleetbpf\"\n"
			 ".asciz \"called\"\n"
			 ".asciz \"-4@%0\"\n"
			 "994: .balign 4\n"
			 ".popsection\n"
			 ".pushsection .stapsdt.base,\"aG\",\"progbits\",.stapsdt.base,comdat\n"
			 ".weak _.stapsdt.base\n"
			 ".hidden _.stapsdt.base\n"
			 "_.stapsdt.base: .space 1\n"
			 ".size _.stapsdt.base, 1\n"
			 ".popsection\n"
			 :
			 : "nor"(argument));
}

void _start(void)
{
	called(41);
	/* exit(0) */
#ifdef __aarch64__
	__asm__ volatile("mov x8, #93\n"
			 "mov x0, #0\n"
			 "svc #0\n"
			 :
			 :
			 : "x0", "x8", "memory");
#else
	__asm__ volatile("syscall" : : "a"(60), "D"(0) : "rcx", "r11", "memory");
#endif
	__builtin_unreachable();
}
