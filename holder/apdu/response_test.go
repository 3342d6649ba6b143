package apdu_test

import (
	"bytes"
	"errors"
	"testing"

	"tegata/holder/apdu"
)

func TestStatusWordsBecomeMeanings(t *testing.T) {
	for name, test := range map[string]struct {
		sw      uint16
		tries   int // -1: no PINError
		blocked bool
	}{
		"a wrong secret tells its tries":      {0x63C2, 2, false},
		"the last wrong try is a block too":   {0x63C0, 0, true},
		"a blocked secret":                    {0x6984, -1, true},
		"no rights":                           {0x6982, -1, false},
		"an unlimited counter is not a count": {0x6300, -1, false},
	} {
		t.Run(name, func(t *testing.T) {
			err := apdu.Status(test.sw).Err()
			if !apdu.IsStatus(err, test.sw) {
				t.Errorf("IsStatus does not know %v", err)
			}
			pin, ok := errors.AsType[*apdu.PINError](err)
			if ok != (test.tries >= 0) || ok && pin.TriesLeft != test.tries {
				t.Errorf("got PINError %v, want tries %d", pin, test.tries)
			}
			if got := errors.Is(err, apdu.ErrBlocked); got != test.blocked {
				t.Errorf("blocked is %v, want %v", got, test.blocked)
			}
		})
	}
	if err := apdu.OK(nil).Err(); err != nil {
		t.Errorf("9000 is an error: %v", err)
	}
}

func TestACounterSaysAtMostFifteen(t *testing.T) {
	for tries, want := range map[int]uint16{-1: 0x63C0, 0: 0x63C0, 3: 0x63C3, 15: 0x63CF, 16: 0x63CF} {
		if got := apdu.CounterSW(tries); got != want {
			t.Errorf("%d tries: got %04X, want %04X", tries, got, want)
		}
	}
}

func FuzzResponse(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte{0x90, 0x00})
	f.Add([]byte{1, 2, 3, 0x63, 0xC2})
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := apdu.ParseResponse(b)
		if err != nil {
			if len(b) >= 2 && len(b) <= apdu.MaxResponseData+2 {
				t.Fatalf("%x refused: %v", b, err)
			}
			return
		}
		if !bytes.Equal(r.Bytes(), b) {
			t.Fatalf("%x encodes again to %x", b, r.Bytes())
		}
	})
}
