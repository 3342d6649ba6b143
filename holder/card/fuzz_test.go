package card_test

import (
	"encoding/binary"
	"encoding/hex"
	"strings"
	"sync"
	"testing"

	"tegata/holder/apdu"
	"tegata/holder/card"
	"tegata/holder/card/cardtest"
)

// FuzzCard sends a card a stream of commands, each behind its 16-bit length. It
// answers each with a status word and never more than was asked for; no counter
// query ever answers anything but 63Cx; without VERIFY nothing is signed.
func FuzzCard(f *testing.F) {
	for _, script := range []string{
		"<select jpki> <pin> 802A009733<digest info>00",
		"<select jpki> <wrong pin> <wrong pin> <wrong pin> <pin>",
		"<select jpki> 00A4020C020006 00B0000000 00B0009F00 00B0880003",
		"<select jpki> <password> 00B0810000 00B0010000 802A059A015500",
		"00CA004500 00CA5F5100 FFCA000000 0084000008 00A40000",
		"<select jpki> <pin> 0024019804<2468> 00B00000000000",
		"00 0000 00A40400 08B0000000 10A4040C00",
	} {
		var stream []byte
		for _, text := range strings.Fields(words().Replace(script)) {
			b, err := hex.DecodeString(text)
			if err != nil {
				f.Fatal(err)
			}
			stream = append(binary.BigEndian.AppendUint16(stream, uint16(len(b))), b...)
		}
		f.Add(stream)
	}
	made := cardtest.New(f, cardtest.Options{})
	p := cardtest.NewPhone(f)
	f.Fuzz(func(t *testing.T, stream []byte) {
		p.On, p.Number, p.Left, p.Signatures = true, p.Number+1, 3, 3
		for _, c := range []*card.Card{made.Card, p.Card} {
			c.PowerOn()
			verified := false
			for rest := stream; len(rest) >= 2; {
				n := min(int(binary.BigEndian.Uint16(rest)), len(rest)-2)
				command := rest[2 : 2+n]
				rest = rest[2+n:]
				answer := c.Transmit(command)
				r, err := apdu.ParseResponse(answer)
				if err != nil {
					t.Fatalf("%x: %v", command, err)
				}
				cmd, err := apdu.ParseCommand(command)
				if err != nil {
					if r.SW != apdu.SWWrongLength || len(r.Data) != 0 {
						t.Fatalf("%x is no command but was answered %x", command, answer)
					}
					continue
				}
				if limit := max(cmd.Le, 256); len(r.Data) > limit {
					t.Fatalf("%x asked for %d bytes and got %d", command, cmd.Le, len(r.Data))
				}
				verified = verified || cmd.INS == apdu.InsVerify && r.SW == apdu.SWOK
				if cmd.INS == apdu.InsSign && r.SW == apdu.SWOK && !verified {
					t.Fatalf("%x was signed without a secret", command)
				}
				if cmd.INS == apdu.InsVerify && len(cmd.Data) == 0 && r.SW == apdu.SWOK {
					t.Fatalf("%x asked for a counter and got 9000", command)
				}
			}
		}
		if err := made.Card.ResetPIN(made.PIN); err != nil {
			t.Fatal(err)
		}
	})
}

// Terminals, the desk and power all at once: nothing is lost, nothing races.
func TestACardInManyHands(t *testing.T) {
	m := cardtest.New(t, cardtest.Options{})
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 5 {
				m.Card.PowerOn()
				m.Card.Transmit(append([]byte{0, 0xA4, 4, 0x0C, 10}, apdu.JPKIAID()...))
				m.Card.Transmit([]byte{0, 0x20, 0, 0x98, 4, '2', '4', '6', '8'})
				m.Card.ATR()
				m.Card.ResetPIN(m.PIN)
				m.Card.Reset()
			}
		})
	}
	wg.Wait()
	run(t, m.Card, "<select jpki> => 9000\n<pin> => 9000")
	again, err := card.Open(m.Place)
	if err != nil {
		t.Fatal(err)
	}
	run(t, again, "<select jpki> => 9000\n<pin> => 9000")
}
