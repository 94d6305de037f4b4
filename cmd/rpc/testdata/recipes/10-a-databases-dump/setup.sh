# shellcheck shell=bash
echo 'of yesterday' | gzip >broken.sql.gz
