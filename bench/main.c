// SPDX-License-Identifier: MIT
/* main.c: the workloads as a program of their own, for profilers: `build/bench/bench p1`. */
#include "bench.h"

int main(int argc, char **argv)
{
    return bench_main(argc, argv);
}
