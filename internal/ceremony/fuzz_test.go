package ceremony_test

import (
	"testing"

	"tegata/internal/ceremony"
	"tegata/internal/jws"
	"tegata/internal/pkitest"
)

// whole checks what holds for every message that parses: it is not larger than
// allowed, and writing its claims and reading them again changes nothing.
func whole[T any](t *testing.T, compact string, parse func(string) (*jws.Message[T], error)) {
	m, err := parse(compact)
	if err != nil {
		return
	}
	if len(compact) > 64<<10 {
		t.Error("larger than any message may be")
	}
	first, err := jws.Encode(m.Unverified())
	if err != nil {
		t.Fatal(err)
	}
	var again T
	if err := jws.Decode(first, &again); err != nil {
		t.Fatalf("what parsed does not parse again: %v", err)
	}
	if second, err := jws.Encode(again); err != nil || string(first) != string(second) {
		t.Errorf("%s became %s", first, second)
	}
}

func FuzzRequest(f *testing.F) {
	s := newScene(f)
	f.Add(s.sign(f, request()).Raw())
	cross := request()
	cross.Channel, cross.Match = ceremony.Cross, []string{"11", "22", "33"}
	f.Add(s.sign(f, cross).Raw())
	f.Fuzz(func(t *testing.T, compact string) { whole(t, compact, ceremony.ParseRequest) })
}

func FuzzAnswer(f *testing.F) {
	s := newScene(f)
	req := s.sign(f, request())
	compact, err := ceremony.SignAnswer(pkitest.Key(f, 2), s.holderChain, answer(req))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(compact)
	sealed, err := ceremony.Seal(compact, s.encChain[0])
	if err != nil {
		f.Fatal(err)
	}
	f.Add(sealed)
	f.Fuzz(func(t *testing.T, text string) {
		whole(t, text, ceremony.ParseAnswer)
		if opened, err := ceremony.Open(text, s.enc, s.encChain[0]); err == nil && len(opened) > 64<<10 {
			t.Error("larger than an answer may be")
		}
	})
}

func FuzzRegistration(f *testing.F) {
	s := newScene(f)
	compact, err := ceremony.SignRegistration(s.verifier, s.verifierChain, s.registration())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(compact)
	f.Fuzz(func(t *testing.T, text string) { whole(t, text, ceremony.ParseRegistration) })
}
