package element_test

import (
	"context"
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"tegata/holder/apdu"
	"tegata/holder/eid"
	"tegata/holder/element"
	"tegata/internal/pki"
	"tegata/internal/secret"
)

// terminal is one that knows nothing but the card.
type terminal struct{ el *element.Element }

func (w terminal) Transmit(_ context.Context, command []byte) ([]byte, error) {
	return w.el.Card().Transmit(command), nil
}

// sends plays one command and returns the status word.
func (w terminal) sends(command ...byte) uint16 {
	r, err := apdu.ParseResponse(w.el.Card().Transmit(command))
	if err != nil {
		return 0
	}
	return r.SW
}

func (w terminal) selects() uint16 {
	return w.sends(apdu.Command{INS: apdu.InsSelect, P1: 0x04, P2: 0x0C, Data: apdu.JPKIAID(), Le: apdu.NoLe}.Bytes()...)
}

// verifies sends a code as the card's PIN.
func (w terminal) verifies(code string) uint16 {
	if sw := w.sends(0x00, 0xA4, 0x02, 0x0C, 0x02, 0x00, 0x18); sw != apdu.SWOK {
		return sw
	}
	return w.sends(append([]byte{0x00, 0x20, 0x00, 0x80, 0x04}, code...)...)
}

// signs asks for one raw signature.
func (w terminal) signs() uint16 {
	if sw := w.sends(0x00, 0xA4, 0x02, 0x0C, 0x02, 0x00, 0x17); sw != apdu.SWOK {
		return sw
	}
	return w.sends(0x80, 0x2A, 0x00, 0x80, 0x01, 0x55, 0x00)
}

func (b *bench) compatible() element.Compatible {
	b.t.Helper()
	c, err := b.el.Compatible(pin(b.t, "4826"))
	if err != nil {
		b.t.Fatal(err)
	}
	return c
}

func digits(p secret.PIN) (s string) {
	p.Reveal(func(b []byte) { s = string(b) })
	return s
}

// other is a code that is not this one.
func other(p secret.PIN) string {
	if digits(p) == "1111" {
		return "2222"
	}
	return "1111"
}

func TestATerminalThatKnowsOnlyTheCardSigns(t *testing.T) {
	b := newBench(t)
	noted, full := 0, false
	b.config.UsedAsCard = func() bool { noted++; return !full }
	b.restart()
	b.enrol()
	at := terminal{b.el}
	if sw := at.selects(); sw != apdu.SWConditions {
		t.Fatalf("off: %04X", sw)
	}
	if _, err := b.el.Compatible(pin(t, "9999")); !errors.As(err, new(*element.SecretError)) || b.el.Tries(element.PIN) != 2 || at.selects() != apdu.SWConditions {
		t.Errorf("a wrong PIN: %v, %d tries", err, b.el.Tries(element.PIN))
	}
	c := b.compatible()
	if b.el.Tries(element.PIN) != 3 || c.Tries != 3 || c.Signatures != 3 || !c.Until.Equal(b.now.Add(5*time.Minute)) {
		t.Errorf("%+v", c)
	}
	if got := fmt.Sprintf("%v %+v", c, c); len(digits(c.Code)) != 4 || got != fmt.Sprintf("%v %+v", c, c) || containsDigits(got, digits(c.Code)) {
		t.Errorf("printed %s", got)
	}
	j, err := eid.Open(t.Context(), at)
	if err != nil || !j.Phone() {
		t.Fatal(err)
	}
	if sw := at.signs(); sw != apdu.SWNotAllowed {
		t.Errorf("before the code: %04X", sw)
	}
	before := b.el.Counter()
	if sw := at.verifies(other(c.Code)); sw != apdu.CounterSW(2) || b.el.Counter() != before+1 || b.el.Tries(element.PIN) != 3 {
		t.Errorf("a wrong code: %04X, counter %d after %d", sw, b.el.Counter(), before)
	}
	s, err := j.Signer(t.Context(), eid.AuthPIN, c.Code)
	if err != nil {
		t.Fatal(err)
	}
	if der, _ := b.el.Certificate(pki.PhoneAuth); string(der) != string(s.Certificate().Raw) {
		t.Error("another certificate")
	}
	digest := sha256.Sum256([]byte("照会"))
	for range 3 {
		before := b.el.Counter()
		sig, err := s.Sign(nil, digest[:], crypto.SHA256)
		if err != nil || rsa.VerifyPKCS1v15(s.Public().(*rsa.PublicKey), crypto.SHA256, digest[:], sig) != nil || b.el.Counter() != before+1 {
			t.Errorf("%v, counter %d after %d", err, b.el.Counter(), before)
		}
	}
	if _, err := s.Sign(nil, digest[:], crypto.SHA256); err == nil || noted != 3 {
		t.Errorf("a fourth: %v, %d written down", err, noted)
	}
	// What cannot be written down is not signed, and is counted.
	c = b.compatible()
	at.selects()
	at.verifies(digits(c.Code))
	full = true
	if sw := at.signs(); sw != apdu.SWConditions {
		t.Errorf("%04X", sw)
	}
	if now, on := b.el.IsCompatible(); !on || now.Signatures != 2 {
		t.Errorf("%+v, %v", now, on)
	}
}

func containsDigits(text, code string) bool {
	for i := 0; i+len(code) <= len(text); i++ {
		if text[i:i+len(code)] == code {
			return true
		}
	}
	return false
}

// Whatever ends it, the code of before opens nothing.
func TestCompatibilityModeEnds(t *testing.T) {
	for name, end := range map[string]func(*bench){
		"after five minutes": func(b *bench) { b.now = b.now.Add(5 * time.Minute) },
		"by its holder":      func(b *bench) { b.el.EndCompatible() },
		"by a restart":       func(b *bench) { b.restart() },
		"by a reset":         func(b *bench) { b.el.Reset() },
		"by a wrong PIN":     func(b *bench) { b.el.Compatible(pin(b.t, "9999")) },
		"by wrong codes": func(b *bench) {
			c, _ := b.el.IsCompatible()
			for range 3 {
				terminal{b.el}.verifies(other(c.Code))
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			b.enrol()
			c := b.compatible()
			at := terminal{b.el}
			if sw := at.selects(); sw != apdu.SWOK {
				t.Fatalf("%04X", sw)
			}
			if sw := at.verifies(digits(c.Code)); sw != apdu.SWOK {
				t.Fatalf("%04X", sw)
			}
			end(b)
			at = terminal{b.el}
			if _, on := b.el.IsCompatible(); on || at.signs() != apdu.SWConditions || at.selects() != apdu.SWConditions {
				t.Error("it goes on")
			}
			if !b.el.HasKeys() {
				return
			}
			anew := b.compatible()
			at.selects()
			if sw := at.signs(); sw != apdu.SWNotAllowed {
				t.Errorf("verified from before: %04X", sw)
			}
			if digits(anew.Code) != digits(c.Code) && at.verifies(digits(c.Code)) == apdu.SWOK {
				t.Error("the code of before")
			}
		})
	}
}

// A tap and the phone's own screen at the same time: nothing waits for ever, no try and no
// count of either is lost. The card writes nothing during the tap.
func TestATapAndThePhoneAtTheSameTime(t *testing.T) {
	b := newBench(t)
	b.enrol()
	c := b.compatible()
	at := terminal{b.el}
	before := b.el.Counter()
	done := make(chan struct{})
	go func() {
		defer close(done)
		var wg sync.WaitGroup
		wg.Go(func() {
			for range 30 {
				at.selects()
				if sw := at.verifies(digits(c.Code)); sw != apdu.SWOK {
					t.Errorf("%04X", sw)
				}
			}
		})
		wg.Go(func() {
			for range 15 {
				s, err := b.el.Unlock(element.Unlock{PIN: pin(t, "4826")})
				if err != nil {
					t.Error(err)
					return
				}
				s.Close()
				if _, err := b.el.Unlock(element.Unlock{Password: password(t, "WRONG999")}); err == nil {
					t.Error("a wrong password opened")
				}
				if s, err = b.el.Unlock(element.Unlock{Password: password(t, "TEGATA26")}); err != nil {
					t.Error(err)
					return
				}
				s.Close()
			}
		})
		wg.Wait()
	}()
	select {
	case <-done:
	case <-time.After(time.Minute):
		t.Fatal("a tap and the phone wait for each other")
	}
	if got := b.el.Counter() - before; got != 30+3*15 {
		t.Errorf("counted %d", got)
	}
	if b.el.Tries(element.PIN) != 3 || b.el.Tries(element.Password) != 5 {
		t.Errorf("%d and %d tries", b.el.Tries(element.PIN), b.el.Tries(element.Password))
	}
	b.restart()
	if got := b.el.Counter() - before; got != 30+3*15 {
		t.Errorf("counted %d after a restart", got)
	}
}
