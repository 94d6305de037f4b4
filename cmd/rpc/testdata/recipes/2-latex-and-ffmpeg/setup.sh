# shellcheck shell=bash
echo 'RIFF 1' >'a song.wav'
echo 'RIFF 2' >b.wav
echo 'no header' >noise.wav
