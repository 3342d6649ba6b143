package element_test

import (
	"encoding/hex"
	"slices"
	"strings"
	"testing"

	"tegata/holder/apdu"
	"tegata/holder/card"
	"tegata/holder/element"
)

const address = "http://127.0.0.1:8402/r/AAAAAAAAAAAAAAAAAAAAAA"

// withWallet is an element whose wallet keeps what it is given, and answers sw.
func withWallet(t *testing.T) (el *element.Element, got *[]string, sw *uint16) {
	t.Helper()
	got, sw = &[]string{}, new(apdu.SWOK)
	b := newBench(t)
	b.config.Applications = []card.Application{element.NewWallet(func(address string) uint16 {
		*got = append(*got, address)
		return *sw
	})}
	b.restart()
	el = b.el
	el.Card().PowerOn()
	return el, got, sw
}

// send plays commands and returns the last status word.
func send(t *testing.T, el *element.Element, commands ...apdu.Command) uint16 {
	t.Helper()
	last := uint16(0)
	for _, c := range commands {
		r, err := apdu.ParseResponse(el.Card().Transmit(c.Bytes()))
		if err != nil || len(r.Data) != 0 {
			t.Fatalf("%v: %X, %v", c, r.Data, err)
		}
		last = r.SW
	}
	return last
}

func TestARequestIsHandedOver(t *testing.T) {
	el, got, sw := withWallet(t)
	if last := send(t, el, apdu.HandOver(address)...); last != apdu.SWOK {
		t.Fatalf("%04X", last)
	}
	long := address + "?" + strings.Repeat("x", apdu.MaxURL-len(address)-1) // in nine commands
	if last := send(t, el, apdu.HandOver(long)...); last != apdu.SWOK {
		t.Fatalf("%04X", last)
	}
	one := apdu.HandOver(long)
	whole := apdu.Command{INS: apdu.InsEnvelope, Data: apdu.TLV{Tag: apdu.TagURL, Value: []byte(long)}.Bytes(), Le: apdu.NoLe} // extended
	if last := send(t, el, one[0], whole); last != apdu.SWOK {
		t.Fatalf("%04X", last)
	}
	if want := []string{address, long, long}; !slices.Equal(*got, want) {
		t.Errorf("received %q", *got)
	}
	*sw = apdu.SWConditions
	if last := send(t, el, apdu.HandOver(address)...); last != apdu.SWConditions {
		t.Errorf("a phone that takes nothing: %04X", last)
	}
	if apdu.HandOver("") != nil || apdu.HandOver(long+"x") != nil {
		t.Error("there are commands for what no wallet takes")
	}
}

func TestWhatTheWalletRefuses(t *testing.T) {
	el, got, _ := withWallet(t)
	object := func(tag uint32, value string) string {
		return hex.EncodeToString(apdu.TLV{Tag: tag, Value: []byte(value)}.Bytes())
	}
	all := object(apdu.TagURL, "https://v.example/r/1") // 24 bytes
	const first, rest = "10C30000 0C ", "00C30000 0C "
	halves := []string{first + all[:24] + " 9000", rest + all[24:] + " 9000"}
	for name, script := range map[string][]string{
		"a PIN":                              {"0020008004 31333537 6D00", "0020009804 31333537 6D00", "00200080 6D00"},
		"another reference data command":     {"0024018004 31333537 6D00", "002C008004 31333537 6D00"},
		"a signature":                        {"802A009701 55 6E00", "002A009701 55 6D00"},
		"a file":                             {"00B0000000 6D00", "00A4020C02 000A 6D00"},
		"ENVELOPE that is no data object's":  {"00C20000 18 " + all + " 6D00"},
		"other parameters":                   {"00C30100 18 " + all + " 6A86", "00C30001 18 " + all + " 6A86"},
		"nothing":                            {"00C30000 6700", "10C30000 6700"},
		"another object":                     {"00C30000 18 " + object(0x5F51, "https://v.example/r/1") + " 6A80"},
		"two objects":                        {"00C30000 30 " + all + all + " 6A80"},
		"half an object":                     {"00C30000 0C " + all[:24] + " 6A80"},
		"an object without value":            {"00C30000 03 5F5000 6A80"},
		"bytes that are no text":             {"00C30000 06 5F50036874FF 6A80"},
		"a space":                            {"00C30000 06 5F5003682074 6A80"},
		"secure messaging":                   {"0CC30000 18 " + all + " 6882"},
		"another channel":                    {"01C30000 18 " + all + " 6E00"},
		"another class":                      {"80C30000 18 " + all + " 6E00"},
		"a chain with a PIN in it":           {halves[0], "0020008004 31333537 6883", rest + all[24:] + " 6A80"},
		"a chain that changes its parameter": {halves[0], "00C30100 0C " + all[24:] + " 6A86", rest + all[24:] + " 6A80"},
		"a chain over another selection":     {halves[0], "00A4040C08 F054454741544101 9000", rest + all[24:] + " 6A80"},
		"a chain over power":                 {halves[0], "power", rest + all[24:] + " 6A80"},
	} {
		t.Run(name, func(t *testing.T) {
			el.Card().Reset()
			play(t, el, "00A4040C08 F054454741544101 9000")
			for _, line := range script {
				if line == "power" {
					el.Card().PowerOff()
					el.Card().PowerOn()
					play(t, el, "00A4040C08 F054454741544101 9000")
					continue
				}
				play(t, el, line)
			}
		})
	}
	if len(*got) != 0 {
		t.Fatalf("received %q", *got)
	}
	play(t, el, "00A4040C08 F054454741544101 9000")
	play(t, el, halves[0])
	play(t, el, halves[1])
	if !slices.Equal(*got, []string{"https://v.example/r/1"}) {
		t.Errorf("the same halves in order: %q", *got)
	}
	// A chain without end fills nobody's memory.
	for range 8 {
		play(t, el, "10C30000 FF "+strings.Repeat("5F", 255)+" 9000")
	}
	play(t, el, "10C30000 FF "+strings.Repeat("5F", 255)+" 6700")
	play(t, el, "00C30000 18 "+all+" 9000") // and what comes after it is a chain of its own
}

// play sends one command and wants the status word at the end of the line.
func play(t *testing.T, el *element.Element, line string) {
	t.Helper()
	line = strings.ReplaceAll(line, " ", "")
	command, err := hex.DecodeString(line[:len(line)-4])
	if err != nil {
		t.Fatal(err)
	}
	if got := hex.EncodeToString(el.Card().Transmit(command)); !strings.EqualFold(got, line[len(line)-4:]) {
		t.Errorf("%.60s… answered %s", line, got)
	}
}

// A terminal that has not selected the wallet reaches nothing of it.
func TestTheWalletIsSelectedFirst(t *testing.T) {
	el, got, _ := withWallet(t)
	if last := send(t, el, apdu.HandOver(address)[1:]...); last != apdu.SWConditions || len(*got) != 0 {
		t.Errorf("%04X, %q", last, *got)
	}
	play(t, el, "00A4040C08 F054454741544102 6A82")
	b := newBench(t)
	b.restart()
	play(t, b.el, "00A4040C08 F054454741544101 6A82") // an element without a wallet
}

// FuzzWallet sends a wallet a stream of commands, each behind its 8-bit length: what it
// receives is text, and no longer than an address.
func FuzzWallet(f *testing.F) {
	var seed []byte
	for _, c := range apdu.HandOver(address)[1:] {
		b := c.Bytes()
		seed = append(append(seed, byte(len(b))), b...)
	}
	f.Add(seed)
	f.Add([]byte{4, 0x10, 0xC3, 0, 0, 5, 0, 0xC3, 0, 0, 1})
	f.Fuzz(func(t *testing.T, stream []byte) {
		w := element.NewWallet(func(address string) uint16 {
			if address == "" || len(address) > apdu.MaxURL || strings.ContainsFunc(address, func(r rune) bool { return r <= ' ' || r >= 0x7F }) {
				t.Errorf("received %q", address)
			}
			return apdu.SWOK
		})
		w.Select()
		for len(stream) > 0 {
			n := min(int(stream[0]), len(stream)-1)
			if c, err := apdu.ParseCommand(stream[1 : 1+n]); err == nil {
				if r := w.Process(c); len(r.Data) != 0 || r.SW>>8 != 0x90 && r.SW>>12 != 6 {
					t.Errorf("%v answered %X %04X", c, r.Data, r.SW)
				}
			}
			stream = stream[1+n:]
		}
	})
}

// A signed answer is given in parts, to who names its request and asks on at once.
func TestAnAnswerIsGivenAtASecondTap(t *testing.T) {
	b := newBench(t)
	answer := []byte(strings.Repeat("sealed.", 700)) // 20 parts
	var asked []string
	b.config.Applications = []card.Application{element.NewCarryingWallet(func(string) uint16 { return apdu.SWConditions }, func(at string) []byte {
		if asked = append(asked, at); at != address {
			return nil
		}
		return answer
	})}
	b.restart()
	b.el.Card().PowerOn()
	transmit := func(c apdu.Command) apdu.Response {
		r, err := apdu.ParseResponse(b.el.Card().Transmit(c.Bytes()))
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	hand := func(at string) (last apdu.Response) {
		for _, c := range apdu.HandOver(at) {
			last = transmit(c)
		}
		return last
	}
	if r := hand(address + "x"); r.SW != apdu.SWConditions {
		t.Errorf("another request: %04X", r.SW)
	}
	if r := transmit(apdu.GetResponse()); r.SW != apdu.SWUnknownIns {
		t.Errorf("nothing waits: %04X", r.SW)
	}
	if r := hand(address); r.SW != apdu.SWMore || len(r.Data) != 0 {
		t.Fatalf("%04X", r.SW)
	}
	var got []byte
	for {
		r := transmit(apdu.GetResponse())
		got = append(got, r.Data...)
		if r.SW == apdu.SWOK {
			break
		}
		if !apdu.IsMore(r.SW) || len(r.Data) == 0 {
			t.Fatalf("%04X after %d", r.SW, len(got))
		}
	}
	if want := (apdu.TLV{Tag: apdu.TagCarried, Value: answer}).Bytes(); string(got) != string(want) {
		t.Errorf("%d bytes", len(got))
	}
	if r := transmit(apdu.GetResponse()); r.SW != apdu.SWUnknownIns {
		t.Errorf("given twice: %04X", r.SW)
	}
	for _, breaks := range []apdu.Command{{INS: 0x20, P2: 0x80, Data: []byte("1234"), Le: apdu.NoLe}, {INS: apdu.InsGetResponse, P1: 1, Le: 256}, {INS: apdu.InsGetResponse, Le: apdu.NoLe}, {INS: apdu.InsSelect, P1: 4, P2: 0x0C, Data: apdu.WalletAID(), Le: apdu.NoLe}} {
		hand(address)
		transmit(breaks)
		if r := transmit(apdu.GetResponse()); r.SW != apdu.SWUnknownIns || len(r.Data) != 0 {
			t.Errorf("after %v: %04X", breaks, r.SW)
		}
	}
	hand(address)
	b.el.Card().PowerOff()
	b.el.Card().PowerOn()
	if r := transmit(apdu.GetResponse()); len(r.Data) != 0 {
		t.Error("given after the tap was over")
	}
	answer = make([]byte, apdu.MaxCarried+1)
	if r := hand(address); r.SW != apdu.SWConditions {
		t.Errorf("too long: %04X", r.SW)
	}
}
