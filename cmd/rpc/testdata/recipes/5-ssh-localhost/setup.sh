# shellcheck shell=bash
git init -q --bare site.git
git init -q first
git -C first commit -q --allow-empty -m first
git -C first push -q ../site.git HEAD
git -C site.git symbolic-ref HEAD "$(git -C first symbolic-ref HEAD)"
rm -rf first
