#!/usr/bin/env bash
# Makes sure that there is a Vulkan adapter: installs Mesa's software driver where there is none and apt is at hand.
set -euo pipefail

packages="mesa-vulkan-drivers libvulkan1"

# An installed driver leaves a manifest in one of the loader's folders; the loader itself is a library.
have_loader() { ldconfig -p 2>/dev/null | grep -q 'libvulkan\.so\.1'; }
have_driver() {
  [ -n "${VK_DRIVER_FILES:-}${VK_ICD_FILENAMES:-}" ] ||
    compgen -G "/usr/share/vulkan/icd.d/*.json" >/dev/null ||
    compgen -G "/etc/vulkan/icd.d/*.json" >/dev/null
}

case "$(uname -s)" in
  Linux) ;;
  *) exit 0 ;; # Metal and Direct3D 12 come with the system.
esac
if have_loader && have_driver; then exit 0; fi

if command -v apt-get >/dev/null; then
  sudo=""
  if [ "$(id -u)" -ne 0 ]; then sudo="sudo"; fi
  echo "No Vulkan driver: installing $packages" >&2
  $sudo apt-get -o DPkg::Lock::Timeout=300 update -qq
  # shellcheck disable=SC2086
  $sudo apt-get -o DPkg::Lock::Timeout=300 install -y -qq --no-install-recommends $packages >/dev/null
else
  cat >&2 <<TEXT
No Vulkan driver was found, and the tests need one. Install your card's driver or Mesa's software driver, for instance
  Fedora:    dnf install mesa-vulkan-drivers vulkan-loader
  Arch:      pacman -S vulkan-swrast vulkan-icd-loader
  openSUSE:  zypper install Mesa-vulkan-device-select libvulkan_lvp
then run scripts/test.sh again; or set GPU_NN_REQUIRE_GPU=0 to leave the GPU tests out.
TEXT
  exit 1
fi
