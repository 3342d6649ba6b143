package element_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"tegata/holder/element"
	"tegata/internal/durable"
	"tegata/internal/secret"
)

// theSecrets are what may open the element's two keys before and after a change.
const (
	oldPIN, newPIN           = "4826", "7391"
	oldPassword, newPassword = "TEGATA26", "NEWWORD9"
)

func (b *bench) opens(u element.Unlock) bool {
	b.t.Helper()
	s, err := b.el.Unlock(u)
	if err != nil {
		return false
	}
	s.Close()
	return true
}

func TestSecretsAreChangedByWhoKnowsThem(t *testing.T) {
	b := newBench(t)
	if err := b.el.ChangePIN(pin(t, oldPIN), pin(t, newPIN)); !errors.Is(err, element.ErrNoKeys) {
		t.Errorf("an element without keys: %v", err)
	}
	b.enrol()
	wrong := (*element.SecretError)(nil)
	if err := b.el.ChangePIN(pin(t, "0001"), pin(t, newPIN)); !errors.As(err, &wrong) || wrong.Which != element.PIN || wrong.TriesLeft != 2 {
		t.Errorf("a wrong PIN: %v", err)
	}
	if err := b.el.ChangePassword(password(t, "NOTMINE9"), password(t, newPassword)); !errors.As(err, &wrong) || wrong.Which != element.Password || wrong.TriesLeft != 4 {
		t.Errorf("a wrong password: %v", err)
	}
	if err := b.el.ChangePIN(pin(t, oldPIN), secret.PIN{}); !errors.Is(err, secret.ErrFormat) {
		t.Errorf("no new PIN: %v", err)
	}
	b.restart()
	if b.el.Tries(element.PIN) != 2 || b.el.Tries(element.Password) != 4 {
		t.Errorf("%d and %d tries", b.el.Tries(element.PIN), b.el.Tries(element.Password))
	}
	if err := errors.Join(b.el.ChangePIN(pin(t, oldPIN), pin(t, newPIN)), b.el.ChangePassword(password(t, oldPassword), password(t, newPassword))); err != nil {
		t.Fatal(err)
	}
	b.restart()
	if b.el.Tries(element.PIN) != 3 || b.el.Tries(element.Password) != 5 {
		t.Errorf("after the change %d and %d tries", b.el.Tries(element.PIN), b.el.Tries(element.Password))
	}
	if b.opens(element.Unlock{PIN: pin(t, oldPIN)}) || !b.opens(element.Unlock{PIN: pin(t, newPIN)}) {
		t.Error("the PIN is not the new one")
	}
	if b.opens(element.Unlock{Password: password(t, oldPassword)}) || !b.opens(element.Unlock{Password: password(t, newPassword)}) {
		t.Error("the password is not the new one")
	}
	if b.el.LastUnlock() != b.now {
		t.Error("a change that proved its person does not count as an unlock")
	}
	for range 5 {
		b.opens(element.Unlock{Password: password(t, "NOTMINE9")})
	}
	if err := b.el.ChangePassword(password(t, newPassword), password(t, "OTHER123")); !errors.As(err, &wrong) || wrong.TriesLeft != 0 || wrong.Compared {
		t.Errorf("the right password of a blocked secret: %v", err)
	}
}

// killedAt does something to a copy of an element that rests at home, and kills it at
// each moment of its writes in turn, and at none in the end; seen looks at what is left.
func killedAt(t *testing.T, do func(*bench), seen func(b *bench, at int, died bool)) {
	t.Helper()
	b := newBench(t)
	b.enrol()
	home := b.config.Dir
	b.el.Close()
	for at, died := 1, true; died; at++ {
		b.config.Dir = filepath.Join(t.TempDir(), "element")
		if err := os.CopyFS(b.config.Dir, os.DirFS(home)); err != nil {
			t.Fatal(err)
		}
		moments := 0
		b.config.Files = durable.Files{Hook: func(durable.Moment) {
			if moments++; moments == at {
				panic("killed")
			}
		}}
		el, err := element.Open(b.config)
		if err != nil {
			t.Fatal(err)
		}
		b.el, moments = el, 0
		died = killed(func() { do(b) })
		b.config.Files = durable.Files{}
		b.restart()
		seen(b, at, died)
		if at > 100 {
			t.Fatal("it never ends")
		}
	}
}

func killed(f func()) (died bool) {
	defer func() { died = recover() != nil }()
	f()
	return false
}

// Killed at whatever moment, a change leaves the old secret or the new one: never
// both, and never neither.
func TestKilledWhileASecretIsChanged(t *testing.T) {
	for name, change := range map[string]func(*bench){
		"PIN":       func(b *bench) { b.el.ChangePIN(pin(t, oldPIN), pin(t, newPIN)) },
		"password":  func(b *bench) { b.el.ChangePassword(password(t, oldPassword), password(t, newPassword)) },
		"PIN reset": func(b *bench) { b.el.ResetPIN(password(t, oldPassword), pin(t, newPIN)) },
	} {
		t.Run(name, func(t *testing.T) {
			killedAt(t, change, func(b *bench, at int, died bool) {
				pins := [2]bool{b.opens(element.Unlock{PIN: pin(t, oldPIN)}), b.opens(element.Unlock{PIN: pin(t, newPIN)})}
				passwords := [2]bool{b.opens(element.Unlock{Password: password(t, oldPassword)}), b.opens(element.Unlock{Password: password(t, newPassword)})}
				if pins[0] == pins[1] || passwords[0] == passwords[1] {
					t.Fatalf("killed at moment %d: old and new PIN open %v, passwords %v", at, pins, passwords)
				}
				if !died && pins[0] && passwords[0] {
					t.Fatal("nothing was changed")
				}
			})
		})
	}
}

// A pulled plug costs a try, and never gives one: it is gone once it was counted,
// whether or not anybody heard what came of it.
func TestAPulledPlugCostsATry(t *testing.T) {
	counted := 0
	killedAt(t, func(b *bench) { b.el.ChangePIN(pin(t, "0001"), pin(t, newPIN)) }, func(b *bench, at int, died bool) {
		switch left := b.el.Tries(element.PIN); {
		case left == 2:
			counted++
		case left != 3 || !died:
			t.Fatalf("killed at moment %d: %d tries left", at, left)
		}
		if !b.opens(element.Unlock{PIN: pin(t, oldPIN)}) {
			t.Fatalf("killed at moment %d: a wrong PIN changed it", at)
		}
	})
	if counted < 2 {
		t.Error("no kill came after the try was counted")
	}
}
