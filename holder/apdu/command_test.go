package apdu_test

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tegata/holder/apdu"
)

func repeat(b byte, n int) []byte { return bytes.Repeat([]byte{b}, n) }

func join(parts ...[]byte) []byte { return bytes.Join(parts, nil) }

func TestTheSevenCasesOfACommand(t *testing.T) {
	for name, test := range map[string]struct {
		bytes []byte
		want  apdu.Command
	}{
		"case 1 has a header alone":         {[]byte{0x00, 0x20, 0x00, 0x80}, apdu.Command{INS: 0x20, P2: 0x80, Le: apdu.NoLe}},
		"case 2 short":                      {[]byte{0x00, 0xB0, 0x01, 0x02, 0x10}, apdu.Command{INS: 0xB0, P1: 1, P2: 2, Le: 16}},
		"case 2 short, 00 means 256":        {[]byte{0x00, 0xB0, 0x00, 0x00, 0x00}, apdu.Command{INS: 0xB0, Le: 256}},
		"case 2 extended":                   {[]byte{0x00, 0xB0, 0x00, 0x00, 0x00, 0x01, 0x01}, apdu.Command{INS: 0xB0, Le: 257, Extended: true}},
		"case 2 extended, 0000 means 65536": {[]byte{0x00, 0xB0, 0x00, 0x00, 0x00, 0x00, 0x00}, apdu.Command{INS: 0xB0, Le: 65536, Extended: true}},
		"case 3 short":                      {[]byte{0x00, 0xA4, 0x02, 0x0C, 0x02, 0x00, 0x17}, apdu.Command{INS: 0xA4, P1: 2, P2: 0x0C, Data: []byte{0, 0x17}, Le: apdu.NoLe}},
		"case 3 extended":                   {join([]byte{0x00, 0xD6, 0x00, 0x00, 0x00, 0x01, 0x00}, repeat(7, 256)), apdu.Command{INS: 0xD6, Data: repeat(7, 256), Le: apdu.NoLe, Extended: true}},
		"case 4 short":                      {[]byte{0x80, 0x2A, 0x00, 0x80, 0x01, 0x05, 0x00}, apdu.Command{CLA: 0x80, INS: 0x2A, P2: 0x80, Data: []byte{5}, Le: 256}},
		"case 4 extended":                   {[]byte{0x80, 0x2A, 0x00, 0x80, 0x00, 0x00, 0x01, 0x05, 0x00, 0x00}, apdu.Command{CLA: 0x80, INS: 0x2A, P2: 0x80, Data: []byte{5}, Le: 65536, Extended: true}},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := apdu.ParseCommand(test.bytes)
			if err != nil {
				t.Fatal(err)
			}
			if got.CLA != test.want.CLA || got.INS != test.want.INS || got.P1 != test.want.P1 || got.P2 != test.want.P2 ||
				!bytes.Equal(got.Data, test.want.Data) || got.Le != test.want.Le || got.Extended != test.want.Extended {
				t.Errorf("got %+v, want %+v", got, test.want)
			}
			if diff := cmp.Diff(test.bytes, got.Bytes()); diff != "" {
				t.Errorf("encoded again:\n%s", diff)
			}
		})
	}
}

func TestWhatIsNoCommand(t *testing.T) {
	for name, b := range map[string][]byte{
		"nothing":                                   {},
		"three bytes":                               {0, 0xA4, 4},
		"data shorter than Lc":                      {0, 0xA4, 4, 0, 3, 1, 2},
		"data longer than Lc and Le":                {0, 0xA4, 4, 0, 1, 1, 2, 3},
		"extended form cut off after one byte":      {0, 0xA4, 4, 0, 0, 1},
		"extended data shorter than Lc":             {0, 0xA4, 4, 0, 0, 0, 3, 1, 2},
		"extended data followed by a one-byte Le":   {0, 0xA4, 4, 0, 0, 0, 1, 1, 2},
		"extended data followed by a three-byte Le": {0, 0xA4, 4, 0, 0, 0, 1, 1, 2, 3, 4},
		"extended Lc of zero":                       {0, 0xA4, 4, 0, 0, 0, 0, 1, 1},
	} {
		t.Run(name, func(t *testing.T) {
			if c, err := apdu.ParseCommand(b); !errors.Is(err, apdu.ErrLength) {
				t.Errorf("got %v, %v; want ErrLength", c, err)
			}
		})
	}
}

func TestWhatCannotBeSaidIsNotEncoded(t *testing.T) {
	for name, c := range map[string]apdu.Command{
		"too much data": {Data: make([]byte, 65536), Le: apdu.NoLe},
		"too large Le":  {Le: 65537},
		"Le of zero":    {Le: 0},
	} {
		if b := c.Bytes(); b != nil {
			t.Errorf("%s: encoded to %d bytes", name, len(b))
		}
	}
}

func TestACommandThatCarriesASecretPrintsWithoutIt(t *testing.T) {
	const digits = "90719071"
	for _, ins := range []byte{apdu.InsVerify, apdu.InsChangeReference, apdu.InsResetRetry, apdu.InsChangeKey} {
		c := apdu.Command{CLA: 0x80, INS: ins, P2: 0x80, Data: []byte(digits), Le: apdu.NoLe}
		type holder struct {
			Inner apdu.Command
			List  []apdu.Command
		}
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d"} {
			for _, value := range []any{c, &c, []apdu.Command{c}, map[string]apdu.Command{"c": c}, holder{c, []apdu.Command{c}}} {
				text := fmt.Sprintf(verb, value)
				if strings.Contains(text, digits) || strings.Contains(text, fmt.Sprintf("%x", digits)) ||
					strings.Contains(text, "57 48 55") || strings.Contains(strings.ToLower(text), "0x39, 0x30") {
					t.Errorf("INS %02X, %s of %T: %s", ins, verb, value, text)
				}
			}
		}
	}
}

func TestACommandWithoutASecretPrintsWhole(t *testing.T) {
	c := apdu.Command{INS: 0xA4, P1: 2, P2: 0x0C, Data: []byte{0, 0x17}, Le: 256}
	if got, want := c.String(), "00 A4 02 0C Lc=2 0017 Le=256"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func FuzzCommand(f *testing.F) {
	for _, b := range [][]byte{
		{}, {0, 0x20, 0, 0x80}, {0, 0xB0, 0, 0, 0}, {0, 0xB0, 0, 0, 0, 0, 0}, {0, 0xA4, 2, 0x0C, 2, 0, 0x17},
		{0x80, 0x2A, 0, 0x80, 1, 5, 0}, {0x80, 0x2A, 0, 0x80, 0, 0, 1, 5, 0, 0}, {0, 0xA4, 4, 0, 0, 0, 0, 1, 1},
		join([]byte{0, 0xA4, 4, 0x0C, 10}, apdu.JPKIAID()),
	} {
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		c, err := apdu.ParseCommand(b)
		if err != nil {
			return
		}
		if len(c.Data) > len(b) || cap(c.Data) > len(b) {
			t.Fatalf("%d bytes of data from %d", len(c.Data), len(b))
		}
		if again := c.Bytes(); !bytes.Equal(again, b) {
			t.Fatalf("%x encodes again to %x", b, again)
		}
	})
}
