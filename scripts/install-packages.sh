#!/bin/sh
# Installs the Debian or Ubuntu packages that Bulkhead's demo, tests and benchmarks use, as far as they are missing.
# Says first which; starts none of their services. Usage: scripts/install-packages.sh [build|lab|test|bench]...   (default: lab)
set -eu

build="clang libbpf-dev"
lab="$build libbpf1 iproute2 util-linux nftables conntrack procps curl nginx-light mariadb-server libmariadb3 redis-server postgresql prometheus
  prometheus-node-exporter openssh-server openssh-client dnsmasq-base"
test="chromium fonts-dejavu-core socat"
bench="iperf3 iptables ethtool"

wanted=
for group in "${@:-lab}"; do
  case $group in
    build) wanted="$wanted $build" ;;
    lab) wanted="$wanted $lab" ;;
    test) wanted="$wanted $lab $test" ;;
    bench) wanted="$wanted $lab $bench" ;;
    *) echo "install-packages: no group '$group'; there are build, lab, test and bench" >&2; exit 2 ;;
  esac
done

if ! command -v apt-get > /dev/null; then
  echo "install-packages: this is not Debian or Ubuntu; install what these packages hold:" $wanted >&2
  exit 1
fi

missing=
for package in $wanted; do
  case " $missing " in *" $package "*) continue ;; esac
  [ "$(dpkg-query --show --showformat '${db:Status-Status}' "$package" 2> /dev/null)" = installed ] || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

echo "Installing:$missing"
if [ "$(id -u)" -ne 0 ]; then
  echo "install-packages: run as root, or install them yourself: apt-get install --no-install-recommends$missing" >&2
  exit 1
fi

# Packages ask policy-rc.d whether they may start their services. While we install, the answer is no.
policy=/usr/sbin/policy-rc.d
kept=
restore() {
  rm -f "$policy"
  [ -z "$kept" ] || mv "$kept" "$policy"
}
trap restore EXIT
trap 'exit 130' INT TERM HUP
if [ -e "$policy" ] || [ -L "$policy" ]; then
  kept=$policy.bulkhead
  mv "$policy" "$kept"
fi
printf '#!/bin/sh\nexit 101\n' > "$policy"
chmod 755 "$policy"

apt-get update -q
DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends $missing
