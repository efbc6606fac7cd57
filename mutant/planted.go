//go:build mutants

package mutant

import "os"

// Is says whether the fault is planted.
func Is(f Fault) bool { return os.Getenv("SLUICE_MUTANT") == string(f) }
