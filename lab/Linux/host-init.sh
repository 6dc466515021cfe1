#!/bin/sh
# Runs as the first process of a lab host, in network, mount and UTS namespaces of its own.
# $1: the host's folder; $2: its name; $3: the folder of the lab's programs; $4: the folder of the .NET runtime.
set -eu
host=$1 name=$2 programs=$3 dotnet=$4

echo "$name" > /proc/sys/kernel/hostname
for file in machine-id hosts resolv.conf hostname passwd group; do
  [ -e "/etc/$file" ] && mount -n --bind "$host/etc/$file" "/etc/$file"
done

# A /run of the host's own: the real one would lead to other hosts' folders and to the machine's own services.
run=$host/run
mount -n -t tmpfs -o mode=0755,size=64m tmpfs "$run"
mkdir -p "$run/lab" "$run/dotnet" "$run/sshd"
mount -n --bind "$programs" "$run/lab"
mount -n --bind "$dotnet" "$run/dotnet"
case $host in
  /run/*) mkdir -p "$run/${host#/run/}"; mount -n --bind "$host" "$run/${host#/run/}" ;;
esac
mount -n --move "$run" /run

# Addresses are usable at once (no duplicate address detection), nothing is learned from routers, and unprivileged
# daemons may listen on the ports below 1024.
cd /proc/sys/net
for scope in all default; do
  echo 0 > "ipv6/conf/$scope/accept_dad"
  echo 0 > "ipv6/conf/$scope/accept_ra"
  echo 0 > "ipv6/conf/$scope/router_solicitations"
done
echo 0 > ipv4/ip_unprivileged_port_start
ip link set lo up
cd /

echo ready
exec sleep infinity < /dev/null > /dev/null 2>&1
