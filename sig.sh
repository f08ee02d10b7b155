cd /tmp/kept; gcc -O2 sig.c -o sig.$1 -lcrypto
for m in eks ens ekv env rks rns rkv rnv e-f e-m ekd end e-b; do
 x=$(valgrind --tool=callgrind --callgrind-out-file=/dev/null ./sig.$1 $m 10 2>&1 | awk '/Collected/{print $4}'); y=$(valgrind --tool=callgrind --callgrind-out-file=/dev/null ./sig.$1 $m 110 2>&1 | awk '/Collected/{print $4}'); echo $m $(( (y-x)/100 )); done
