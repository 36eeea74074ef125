# shellcheck shell=sh
# Does, on a lab host, what each program of programs/ tells; the program /opt/trigger does the rest.
set -u
exec >/dev/null 2>&1

/opt/trigger

mkdir -p /tmp/mounted
mount -t tmpfs -o size=1m fleetbpf /tmp/mounted
umount /tmp/mounted

# A disk that is a file, read from; then its module is removed and comes back.
dd if=/dev/zero of=/tmp/disk bs=1M count=1
losetup /dev/loop0 /tmp/disk
dd if=/dev/loop0 of=/dev/null bs=64k
losetup -d /dev/loop0
# udev may look at the disk still.
tries=0
until rmmod loop || [ "$((tries += 1))" -ge 60 ]; do sleep 1; done
modprobe loop || insmod /lib/modules/loop.ko

# Too little memory for what wants more.
echo +memory >/sys/fs/cgroup/cgroup.subtree_control
mkdir -p /sys/fs/cgroup/tight
echo 8388608 >/sys/fs/cgroup/tight/memory.max
sh -c 'echo $$ >/sys/fs/cgroup/tight/cgroup.procs; exec /opt/trigger hungry'
rmdir /sys/fs/cgroup/tight
