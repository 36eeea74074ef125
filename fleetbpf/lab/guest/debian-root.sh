# shellcheck shell=sh
# Run by mmdebstrap at the end of building the root file system of debian hosts; $1 is its folder.
set -eu
root=$1

# ops must become root by sudo; nosudo may not.
for user in ops:1000 nosudo:1001; do
	name=${user%:*}
	chroot "$root" useradd --uid "${user#*:}" --create-home --shell /bin/sh --password '*' "$name"
done
echo 'ops ALL=(ALL:ALL) NOPASSWD: ALL' >"$root/etc/sudoers.d/ops"
chmod 440 "$root/etc/sudoers.d/ops"

cat >"$root/etc/ssh/sshd_config.d/lab.conf" <<'END'
PasswordAuthentication no
KbdInteractiveAuthentication no
UseDNS no
MaxStartups 200
MaxSessions 200
PrintMotd no
END
rm -f "$root"/etc/ssh/ssh_host_*_key "$root"/etc/ssh/ssh_host_*_key.pub

# What only takes time on a host that lives for an hour, or waits for what is not there: the
# console's getty waits 90 s for a device unit.
for unit in serial-getty@ttyS0.service getty@tty1.service console-getty.service \
	apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer fstrim.timer \
	e2scrub_all.timer e2scrub_reap.service systemd-networkd.service \
	systemd-hwdb-update.service systemd-update-utmp.service \
	systemd-update-utmp-runlevel.service systemd-pstore.service \
	modprobe@configfs.service modprobe@dm_mod.service modprobe@drm.service \
	modprobe@fuse.service modprobe@loop.service modprobe@efi_pstore.service; do
	ln -sf /dev/null "$root/etc/systemd/system/$unit"
done

# What systemd starts each time that it reads its units anew, to make more of what is not here: on an
# emulated processor that takes longer than all the rest. And what makes a greeting of each login.
mkdir -p "$root/etc/systemd/system-generators"
for generator in "$root"/usr/lib/systemd/system-generators/*; do
	ln -sf /dev/null "$root/etc/systemd/system-generators/${generator##*/}"
done
sed -i '/pam_motd/d' "$root/etc/pam.d/sshd"

# Started when somebody asks for it (`systemctl reboot` does), not while sshd is waited for.
rm -f "$root/usr/lib/systemd/system/multi-user.target.wants/systemd-logind.service"

# Each host brings its own; the first two would be waited for if they were missing.
: >"$root/etc/machine-id"
: >"$root/etc/fstab"
rm -f "$root/etc/hostname" "$root/etc/resolv.conf"
mkdir -p "$root/usr/lib/modules"
rm -rf "$root"/var/lib/apt/lists/* "$root"/var/cache/apt/* "$root"/var/log/*.log
