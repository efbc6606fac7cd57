// Command mutants plants faults one at a time (see the package mutant) and runs
// the cell that must catch each: a test, or a cell of the chaos run. It prints a
// table and fails if a fault is not caught, or if a cell fails without one.
package main
