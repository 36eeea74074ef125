# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
# Run a command where /etc is a copy with users of its own: nothing of this machine is changed.
# usage: unshare --mount sh people.sh FOLDER COMMAND...
#   FOLDER  has passwd, shadow, group (lines to add; shadow has root's), sudoers, authorized_keys;
#           perhaps `home`, which is /media/home then
set -eu
folder=$1
shift
mount -t tmpfs -o mode=755 tmpfs /media
cp -a /etc /media/etc
sed -i '/^root:/d' /media/etc/shadow
for file in passwd group shadow; do
	cat "$folder/$file" >>"/media/etc/$file"
done
install -m 0440 "$folder/sudoers" /media/etc/sudoers
install -m 0600 "$folder/doas.conf" /media/etc/doas.conf
install -m 0644 "$folder/authorized_keys" /media/authorized_keys
if [ -d "$folder/home" ]; then
	cp -R "$folder/home" /media/home
	chmod -R a+rX /media/home
fi
mount --bind /media/etc /etc
for state in /run/sudo /run/doas; do # nobody has said a password lately
	mkdir -p "$state"
	mount -t tmpfs -o mode=711 tmpfs "$state"
done
exec "$@"
