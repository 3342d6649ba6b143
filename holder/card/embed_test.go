package card_test

import (
	"bytes"
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"errors"
	"testing"

	"tegata/holder/apdu"
	"tegata/holder/card"
	"tegata/holder/card/cardtest"
	"tegata/internal/pki"
	"tegata/internal/secret"
)

// wallet is an application that answers everything with its name.
type wallet struct{ selected int }

func (*wallet) AID() []byte                          { return []byte{0xF0, 0x54, 0x45, 0x47, 0x41, 0x54, 0x41, 0x01} }
func (w *wallet) Select() uint16                     { w.selected++; return apdu.SWOK }
func (w *wallet) Deselect()                          { w.selected = 0 }
func (w *wallet) Process(apdu.Command) apdu.Response { return apdu.OK([]byte("wallet")) }

func TestAPhoneSaysNothingOverATapUntilCompatibilityMode(t *testing.T) {
	p := cardtest.NewPhone(t, &wallet{})
	c := p.Card
	p.On, p.Code = false, "1357"
	run(t, c, `
		<select jpki> => 6985
		00CA004500 => 6985
		0084000008 => 6985
		<pin> => 6985
		00200098 => 6985
		00A4040C07 A0000001510000 => 6A82
		00A4040C0A D3921000310001010408 => 6A82
		00A4040C08 F054454741544101 => 9000
		00B0000000 => 77616C6C6574 9000
		<select jpki> => 6985
		00B0000000 => 77616C6C6574 9000`)
	p.On, p.Number, p.Left, p.Signatures = true, 1, 3, 3
	run(t, c, `
		<select jpki> => 9000
		00B088000F => 8F8F00 9000
		00B086000F => 4A504B49415047505345544F4B454E 9000
		00B08A0002 => 6982
		00B0810002 => 6982
		00200098 => 63C3
		0020009B => 63C0
		<password> => 6985
		802A0097 01 55 00 => 6982
		<wrong pin> => 63C2
		<pin> => 9000
		00B08A0002 => 3082 9000
		802A0097 01 55 00 => [256] 9000
		802A0297 20 <digest> 00 => 6985
		802A0497 20 <digest> 00 => 6985
		802A009A 01 55 00 => 6985
		00240198 04 <2468> => 6985
		0084000008 => 6985
		802A0097F6 <246 bytes> 00 => 6985
		802A0097 01 55 00 => [256] 9000
		802A0097 01 55 00 => [256] 9000
		802A0097 01 55 00 => 6985`)
	if p.Signatures != -1 {
		t.Errorf("%d signatures left; refused commands must not count", p.Signatures)
	}
}

func TestCompatibilityModeEndsWhatItBegan(t *testing.T) {
	p := cardtest.NewPhone(t)
	c := p.Card
	p.Code = "1357"
	p.On, p.Number, p.Left, p.Signatures = true, 1, 3, 3
	run(t, c, "<select jpki> => 9000\n<pin> => 9000\n802A0097 01 55 00 => [256] 9000")
	p.On = false
	run(t, c, "802A0097 01 55 00 => 6985\n00B0880000 => 6985")
	p.On, p.Number, p.Left = true, 2, 3 // switched on anew: the old code opened nothing here
	run(t, c, "802A0097 01 55 00 => 6982\n<wrong pin> => 63C2\n<wrong pin> => 63C1\n<wrong pin> => 63C0\n<pin> => 6985\n00B0880000 => 6985")
}

func TestTheCodeOfCompatibilityModeIsNotThePIN(t *testing.T) {
	p := cardtest.NewPhone(t)
	c, in := p.Card, p.Inside
	p.Code = "1357"
	p.On, p.Number, p.Left = true, 1, 3
	run(t, c, "<select jpki> => 9000\n<wrong pin> => 63C2\n<wrong pin> => 63C1")
	if in.TriesLeft(pki.PhoneAuth) != 3 {
		t.Errorf("a wrong code cost a try of the PIN: %d left", in.TriesLeft(pki.PhoneAuth))
	}
}

func TestTheInsideOfAnElement(t *testing.T) {
	p := cardtest.NewPhone(t)
	in := p.Inside
	pin, wrong := cardtest.PIN(t, "1357"), cardtest.PIN(t, "2468")
	before := p.Saves
	if err := in.VerifyAuthPIN(pin); err != nil || p.Saves != before+2 {
		t.Fatalf("%v after %d writes, want two", err, p.Saves-before)
	}
	err := in.VerifyAuthPIN(wrong)
	if e, ok := errors.AsType[*apdu.PINError](err); !ok || e.TriesLeft != 2 {
		t.Fatalf("got %v, want 2 tries left", err)
	}
	in.VerifyAuthPIN(wrong)
	if err := in.VerifyAuthPIN(wrong); !errors.Is(err, apdu.ErrBlocked) {
		t.Errorf("got %v, want ErrBlocked", err)
	}
	if err := in.VerifyAuthPIN(pin); !errors.Is(err, apdu.ErrBlocked) || in.TriesLeft(pki.PhoneAuth) != 0 {
		t.Errorf("got %v, want ErrBlocked", err)
	}
	if err := in.VerifySignPassword(cardtest.Password(t, "tegata2357")); err != nil || in.TriesLeft(pki.PhoneSign) != 5 {
		t.Errorf("password: %v", err)
	}
	if in.VerifyAuthPIN(secret.PIN{}) == nil || in.VerifySignPassword(secret.Password{}) == nil {
		t.Error("no secret at all was right")
	}
	if err := in.SetSecrets(wrong, secret.Password{}); err != nil || in.VerifyAuthPIN(wrong) != nil || in.TriesLeft(pki.PhoneAuth) != 3 {
		t.Errorf("a new PIN: %v", err)
	}
	digest := sha256.Sum256([]byte("answer"))
	sig, err := in.SignAuth(digest[:], &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash, Hash: crypto.SHA256})
	public, _ := in.PublicKey(pki.PhoneAuth)
	if err != nil || rsa.VerifyPSS(public, crypto.SHA256, digest[:], sig, nil) != nil {
		t.Errorf("PSS: %v", err)
	}
	sig, err = in.SignSign(digest[:], crypto.SHA256)
	public, _ = in.PublicKey(pki.PhoneSign)
	if err != nil || rsa.VerifyPKCS1v15(public, crypto.SHA256, digest[:], sig) != nil {
		t.Errorf("PKCS #1: %v", err)
	}
	if _, err := in.Sign(pki.CardSign, digest[:], crypto.SHA256); err == nil {
		t.Error("a phone signed as a card")
	}
}

func TestAnElementIsTheSameAfterOpening(t *testing.T) {
	p := cardtest.NewPhone(t)
	in := p.Inside
	in.VerifyAuthPIN(cardtest.PIN(t, "2468"))
	_, again, err := card.Embed(card.Embedding{State: p.State, Save: p.Save})
	if err != nil {
		t.Fatal(err)
	}
	if again.TriesLeft(pki.PhoneAuth) != 2 || !bytes.Equal(again.Certificate(pki.PhoneSign), in.Certificate(pki.PhoneSign)) {
		t.Error("tries or certificates changed")
	}
	if err := again.VerifyAuthPIN(cardtest.PIN(t, "1357")); err != nil {
		t.Error(err)
	}
	if _, _, err := card.Embed(card.Embedding{State: []byte(`{"profile":"card","secrets":{},"files":{}}`), Save: p.Save}); err == nil {
		t.Error("a card's state became a phone")
	}
	for _, state := range []string{"", "{}", `{"profile":"phone"}`, `{"profile":"phone","secrets":{},"files":{},"keys":{"a":"AA=="}}`} {
		if _, _, err := card.Embed(card.Embedding{State: []byte(state), Save: p.Save}); err == nil {
			t.Errorf("state %q was taken", state)
		}
	}
}

func TestNewKeysForgetOldCertificatesAndAWipeForgetsAll(t *testing.T) {
	p := cardtest.NewPhone(t)
	in := p.Inside
	old, _ := in.PublicKey(pki.PhoneSign)
	stale := map[pki.Kind][]byte{pki.PhoneSign: in.Certificate(pki.PhoneSign)}
	authority := map[pki.Kind][]byte{pki.PhoneSign: in.Authority(pki.PhoneSign)}
	p.Full = true
	if in.GenerateKeys(pki.PhoneSign) == nil || in.Wipe() == nil || in.SetSecrets(cardtest.PIN(t, "2468"), secret.Password{}) == nil {
		t.Error("done without a disk")
	}
	if same, _ := in.PublicKey(pki.PhoneSign); !same.Equal(old) || in.Certificate(pki.PhoneSign) == nil {
		t.Error("half of it was done")
	}
	p.Full = false
	if err := in.GenerateKeys(pki.PhoneSign); err != nil {
		t.Fatal(err)
	}
	fresh, err := in.PublicKey(pki.PhoneSign)
	if err != nil || fresh.Equal(old) || in.Certificate(pki.PhoneSign) != nil || in.Certificate(pki.PhoneAuth) == nil {
		t.Errorf("after new keys: %v", err)
	}
	if in.WriteCertificates(stale, authority) == nil {
		t.Error("the old key's certificate was written")
	}
	der, err := in.CSR(pki.PhoneSign)
	if err != nil {
		t.Fatal(err)
	}
	if request, err := x509.ParseCertificateRequest(der); err != nil || !fresh.Equal(request.PublicKey) {
		t.Errorf("request: %v", err)
	}
	if err := in.Wipe(); err != nil {
		t.Fatal(err)
	}
	if _, err := in.PublicKey(pki.PhoneAuth); err == nil || in.TriesLeft(pki.PhoneAuth) != 0 || in.Certificate(pki.PhoneAuth) != nil {
		t.Error("something is left after a wipe")
	}
	if !errors.Is(in.VerifyAuthPIN(cardtest.PIN(t, "1357")), apdu.ErrBlocked) {
		t.Error("the old PIN lives on")
	}
}

// Over a tap nothing writes the element's state: the one who may, holds a lock that a tap
// does not.
func TestNothingIsWrittenOverATap(t *testing.T) {
	p := cardtest.NewPhone(t)
	p.Code, p.Left, p.Signatures = "1357", 1<<30, 1<<30
	before := p.Saves
	for _, opened := range []bool{false, true} {
		for _, cla := range []byte{0x00, 0x04, 0x08, 0x0C, 0x10, 0x80, 0x90, 0xFF} {
			for ins := range 256 {
				run(t, p.Card, "<select jpki> => 9000")
				if opened {
					run(t, p.Card, "<pin> => 9000")
				}
				for _, tail := range [][]byte{{0, 0}, {0, 0x80}, {0, 0x98}, {0, 0x9B}, {2, 0x97}} {
					head := append([]byte{cla, byte(ins)}, tail...)
					for _, body := range [][]byte{nil, {0}, {4, '1', '3', '5', '7'}, {4, '2', '4', '6', '8'}, {8, '1', '3', '5', '7', '2', '4', '6', '8'}, {2, 0, 0x18}} {
						p.Card.Transmit(append(bytes.Clone(head), body...))
					}
				}
			}
		}
	}
	if p.Saves != before {
		t.Errorf("%d writes", p.Saves-before)
	}
	if p.Inside.TriesLeft(pki.PhoneAuth) != 3 || p.Inside.TriesLeft(pki.PhoneSign) != 5 {
		t.Error("tries of the phone's own secrets")
	}
}
