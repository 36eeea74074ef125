#!/bin/sh
# The first process of a debian host: find its disks, give it its identity, start systemd.
/bin/busybox --install -s /bin
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev

while read -r module; do
	insmod "/lib/modules/$module" || echo "lab: $module did not load"
done </etc/modules

tries=0
until [ -b /dev/vda ] && [ -b /dev/vdb ]; do
	tries=$((tries + 1))
	[ "$tries" -lt 300 ] || echo "lab: the disks vda and vdb did not appear"
	sleep 0.1
done
mount -t ext4 /dev/vda /root || echo "lab: the root file system cannot be mounted"
mount -t ext4 -o ro,noload /dev/vdb /root/usr/lib/modules

# The address is set here, once: systemd-networkd would need seconds for the same.
ip link set lo up
ip address add 10.0.2.15/24 dev eth0
ip link set eth0 up
ip route add default via 10.0.2.2

cp -a /identity/. /root/
echo "lab: $(cat /identity/etc/hostname) runs $(uname -r)"
umount /proc /sys
mount -o move /dev /root/dev
exec switch_root /root /sbin/init
