package desk_test

import (
	"testing"
	"time"

	"tegata/internal/pki"
	"tegata/services/desk"
)

// A stranger's browser waits first, and asks first: the card is not theirs.
func TestTheCardIsTheBrowsersWhoseNumberWasTyped(t *testing.T) {
	o := newOffice(t, nil)
	stranger, agent := o.begin(""), o.begin("")
	number := o.number(agent)
	if number == o.number(stranger) {
		t.Fatal("two browsers show one number")
	}
	o.put()
	o.pad.Type(number, o.made.PIN)
	if p, err := o.desk.Step(t.Context(), stranger); err == nil && p.State == desk.StateIn {
		t.Fatal("the stranger's browser is signed in")
	}
	o.step(agent, desk.StateIn)
	if _, err := o.desk.Signed(t.Context(), agent); err != nil {
		t.Fatal(err)
	}
	_, err := o.desk.Signed(t.Context(), stranger)
	o.refused(err, desk.ErrNotSignedIn)
	_, err = o.desk.Step(t.Context(), stranger)
	o.refused(err, desk.ErrTaken)
}

func TestANumberThatNobodyShowsLetsNobodyIn(t *testing.T) {
	o := newOffice(t, nil)
	stranger, agent := o.begin(""), o.begin("")
	number := o.number(agent)
	wrong := number[:1] + string('0'+(number[1]-'0'+1)%10) // a slip of one key
	take := o.put()
	o.pad.Type(wrong, o.made.PIN)
	for _, token := range []string{stranger, agent} {
		o.refused(o.step(token, desk.StateTake).Wrong, desk.ErrNumber)
	}
	o.pad.Type(number, o.made.PIN) // the card must be put anew
	o.step(agent, desk.StateTake)
	take()
	o.step(agent, desk.StatePut)
	if left := o.made.Card.TriesLeft(pki.CardAuth); left != 3 {
		t.Errorf("a wrong number cost a try: %d left", left)
	}
	o.put()
	o.pad.Type(number, o.made.PIN)
	o.step(agent, desk.StateIn)
}

// Who waits since before the card was put is not helped by the number of one who came after.
func TestANumberFromAfterTheCardWasPutLetsNobodyIn(t *testing.T) {
	o := newOffice(t, nil)
	agent := o.begin("")
	o.put()
	late := o.begin("")
	o.pad.Type(o.number(late), o.made.PIN)
	o.refused(o.step(agent, desk.StateTake).Wrong, desk.ErrNumber)
	o.step(late, desk.StateTake)
}

func TestWaitingTakesNobodysSlot(t *testing.T) {
	o := newOffice(t, nil)
	var tokens []string
	numbers := map[string]bool{}
	for range desk.MaxWaiting {
		token := o.begin("")
		n := o.number(token)
		for other := range numbers {
			if n[0] == other[0] || n[1] == other[1] {
				t.Errorf("%s and %s are one key apart", n, other)
			}
		}
		numbers[n] = true
		tokens = append(tokens, token)
	}
	agent := o.begin("")
	if n := o.number(agent); numbers[n] {
		t.Errorf("%s is shown twice", n)
	}
	_, err := o.desk.Step(t.Context(), tokens[0])
	o.refused(err, desk.ErrCrowded)
	o.step(tokens[1], desk.StatePut)
}

// Whoever presses without end may keep others from waiting; the number of a page that was
// dropped becomes nobody else's meanwhile.
func TestTheNumberOfADroppedPageRests(t *testing.T) {
	o := newOffice(t, nil)
	agent := o.begin("")
	number := o.number(agent)
	begun := 1
	for {
		token, err := o.desk.Begin("")
		if err != nil {
			o.refused(err, desk.ErrCrowded)
			break
		}
		if begun++; o.number(token) == number {
			t.Fatal("a stranger got the number")
		}
	}
	if begun != 100 {
		t.Errorf("%d browsers had 100 numbers", begun)
	}
	o.put()
	o.now = o.now.Add(desk.EntryTime - time.Second)
	_, err := o.desk.Step(t.Context(), agent)
	o.refused(err, desk.ErrCrowded)
	o.now = o.now.Add(time.Minute)
	o.begin("")
}
