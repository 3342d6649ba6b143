package ra_test

import (
	"testing"

	"tegata/issuer/ra"
)

// FuzzStep hands any text to each door that a stranger reaches. Nothing panics,
// and nothing that the phone's own element did not sign is ever taken.
func FuzzStep(f *testing.F) {
	w := newWorld(f)
	c := w.issueCard("card-1", hanako(), 0)
	p := w.newPhone(2)
	honest := map[string]bool{}
	seed := func(step string) {
		honest[step] = true
		f.Add(step)
	}
	seed(p.applyStep(c, false))
	if err := p.apply(c, false); err != nil {
		f.Fatal(err)
	}
	seed(p.jws(ra.TypeEnrolment, p.keyClaims(), nil))
	if err := p.keys(); err != nil {
		f.Fatal(err)
	}
	seed(p.jws(ra.TypeEnrolment, p.registerClaims(), nil))
	seed(p.jws(ra.TypeEnrolment, p.claims(ra.StepShow), nil))
	seed(p.jws(ra.TypeCheckIn, p.checkInClaims(), nil))
	seed(p.jws(ra.TypeEnrolment, p.claims(ra.StepStop), nil))
	f.Add("")
	f.Add("..")
	f.Add("eyJhbGciOiJub25lIiwidHlwIjoidGVnYXRhLWVucm9sbWVudCtqd3QifQ.e30.")
	f.Fuzz(func(t *testing.T, step string) {
		ctx := t.Context()
		for name, door := range map[string]func() error{
			"apply":    func() error { _, err := w.ra.Apply(ctx, step); return err },
			"keys":     func() error { _, err := w.ra.Keys(ctx, p.id, step); return err },
			"register": func() error { _, err := w.ra.Register(ctx, p.id, step); return err },
			"show":     func() error { _, err := w.ra.Show(ctx, p.id, step); return err },
			"check-in": func() error { _, err := w.ra.CheckIn(ctx, step); return err },
			"stop":     func() error { _, err := w.ra.Stop(ctx, step); return err },
			"release":  func() error { _, err := w.ra.Release(ctx, "verifier", step); return err },
		} {
			if err := door(); err == nil && !honest[step] {
				t.Errorf("%s took %q", name, step)
			}
		}
	})
}
