package consent

import (
	"errors"
	"testing"

	"sluice/refusal"
)

func TestAChangeThatTheTableDoesNotHaveIsNeverMade(t *testing.T) {
	active := Consent{ID: "con_a", Revision: 2, Status: Active}
	for _, to := range []Status{noStatus, Pending, Active, Suspended, Expired} {
		next := active
		next.Status = to
		got, ch, err := active.finish(step{kind: KindPause, by: Actor{Kind: ActorCustomer, ID: "9593"}}, next)
		var r *refusal.Error
		if err == nil || errors.As(err, &r) || got.ID != "" || ch != (Change{}) {
			t.Errorf("to %s: %+v, %v; want an error that is no refusal", StatusName(to), got, err)
		}
	}
}

func TestTransitionsCanNotBeChangedByWhoReadsThem(t *testing.T) {
	Transitions()[0].To[0] = Active
	if Transitions()[0].To[0] != Pending {
		t.Error("the table was changed from outside")
	}
}
