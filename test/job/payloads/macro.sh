#!/usr/bin/bash
# Stands for the program that does the physics: INPUT OUTPUT
[ ! -e slow ] || { echo half > "$2"; touch begun; sleep 60; }
cat "$1" > "$2"
echo quality > "${2/DST/HIST}"
