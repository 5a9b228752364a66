#!/usr/bin/env bash
# Fetches more software Vulkan drivers to test with, and installs nothing: Mesa of Debian's backports, and SwiftShader
# out of Debian's Chromium. On Debian only.
#
#   usage: drivers.sh DIR      unpacks into DIR (a second run is a no-op) and prints one manifest a line, for
#                              VK_DRIVER_FILES
set -euo pipefail
export LC_ALL=C
[ $# -eq 1 ] || { echo "usage: $0 DIR" >&2; exit 2; }
mkdir -p "$1"
dir=$(cd "$1" && pwd)

. /etc/os-release 2>/dev/null || true
if [ "${ID:-}" != debian ] || ! command -v apt-get >/dev/null; then
  echo "Other drivers to test with are fetched on Debian only; using the installed ones." >&2
  exit 0
fi

# A private apt, with the machine's own mirror and keys, so that the machine's package lists stay as they are.
suite="$VERSION_CODENAME-backports"
apt=(apt-get -qq -o APT::Sandbox::User=root -o DPkg::Lock::Timeout=300)
private=("${apt[@]}" -o Dir::Etc::sourcelist="$dir/backports.list" -o Dir::Etc::sourceparts=/dev/null
         -o Dir::State::lists="$dir/lists" -o Dir::Cache::archives="$dir/archives")

fetch_mesa() {
  local mirror
  mirror=$(apt-get indextargets --format '$(REPO_URI) $(CODENAME)' 'Created-By: Packages' |
    awk -v codename="$VERSION_CODENAME" '$2 == codename { print $1; exit }')
  mkdir -p "$dir/lists/partial" "$dir/archives/partial" "$dir/mesa"
  echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror $suite main" >"$dir/backports.list"
  "${private[@]}" update
  (cd "$dir/mesa" && "${private[@]}" download mesa-vulkan-drivers && dpkg-deb -x mesa-vulkan-drivers_*.deb . && rm ./*.deb)
  # The manifest names its library without a folder: the loader would take the installed one.
  local library
  library=$(find "$dir/mesa/usr/lib" -name libvulkan_lvp.so)
  printf '{"file_format_version":"1.0.0","ICD":{"library_path":"%s","api_version":"1.3.0"}}\n' "$library" >"$dir/mesa.json"
}

fetch_swiftshader() {
  mkdir -p "$dir/swiftshader"
  (cd "$dir/swiftshader" && "${apt[@]}" download chromium-common &&
    dpkg-deb --fsys-tarfile chromium-common_*.deb | tar -x --wildcards '*libvk_swiftshader.so' && rm ./*.deb)
  local library
  library=$(find "$dir/swiftshader" -name libvk_swiftshader.so)
  printf '{"file_format_version":"1.0.0","ICD":{"library_path":"%s","api_version":"1.1.0"}}\n' "$library" >"$dir/swiftshader.json"
}

if [ ! -f "$dir/mesa.json" ] || [ ! -f "$dir/swiftshader.json" ]; then
  "${apt[@]}" update >&2
  fetch_mesa >&2
  fetch_swiftshader >&2
fi
printf '%s\n' "$dir/mesa.json" "$dir/swiftshader.json"
