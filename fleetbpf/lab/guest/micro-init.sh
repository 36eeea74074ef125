#!/bin/sh
# Run once by busybox init in a micro host, before sshd: file systems, modules, network, name.
PATH=/usr/sbin:/usr/bin:/sbin:/bin
export PATH
/bin/busybox --install -s /bin

mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev
mkdir -p /dev/pts /dev/shm
mount -t devpts devpts /dev/pts
mount -t tmpfs tmpfs /dev/shm
mount -t tmpfs -o mode=755 tmpfs /run
mount -t tracefs tracefs /sys/kernel/tracing
mount -t bpf bpf /sys/fs/bpf
mount -t cgroup2 cgroup2 /sys/fs/cgroup
mkdir -p /run/sshd /run/lock

while read -r module; do
	insmod "/lib/modules/$module" || echo "lab: $module did not load"
done </etc/modules

hostname "$(cat /etc/hostname)"
ip link set lo up
ip address add 10.0.2.15/24 dev eth0
ip link set eth0 up
ip route add default via 10.0.2.2
echo "lab: $(cat /etc/hostname) runs $(uname -r)"
