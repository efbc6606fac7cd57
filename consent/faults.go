package consent

import (
	"fmt"

	"sluice/refusal"
)

// faults gathers what is wrong with a request, so that its sender sees all of
// it at once.
type faults []refusal.Violation

func (f *faults) add(field, format string, args ...any) {
	*f = append(*f, refusal.Violation{Field: field, Description: fmt.Sprintf(format, args...)})
}

// refuse is nil if nothing is wrong.
func (f faults) refuse() error {
	if len(f) == 0 {
		return nil
	}
	e := refusal.Invalid(f[0].Field, f[0].Description)
	e.Violations = f
	return e
}

// notPossible refuses a change and names the present status.
func notPossible(c Consent, because string) error {
	status := StatusName(c.Status)
	return refusal.New(refusal.ChangeNotPossible, "the consent is "+status+": "+because).With("status", status)
}
