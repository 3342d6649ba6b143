package card_test

import (
	"bytes"
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/hex"
	"testing"

	"tegata/holder/apdu"
	"tegata/holder/card/cardtest"
	"tegata/internal/pki"
	"tegata/internal/pkitest"
)

func transmit(t *testing.T, m *cardtest.Made, c apdu.Command) []byte {
	t.Helper()
	r, err := apdu.ParseResponse(m.Card.Transmit(c.Bytes()))
	if err != nil || r.Err() != nil {
		t.Fatalf("%v: %v %v", c, err, r.Err())
	}
	return r.Data
}

// Each way of P1 makes the signature that its name says, by the key that P2 says.
func TestSignaturesVerify(t *testing.T) {
	m := cardtest.New(t, cardtest.Options{})
	run(t, m.Card, "<select jpki> => 9000\n<pin> => 9000\n<password> => 9000")
	message := []byte("今日は良い天気です")
	digest := sha256.Sum256(message)
	info, err := hex.DecodeString("3031300d060960864801650304020105000420" + hex.EncodeToString(digest[:]))
	if err != nil {
		t.Fatal(err)
	}
	pkcs1 := func(key *rsa.PublicKey, sig []byte) error {
		return rsa.VerifyPKCS1v15(key, crypto.SHA256, digest[:], sig)
	}
	bare := func(key *rsa.PublicKey, sig []byte) error {
		return rsa.VerifyPKCS1v15(key, crypto.Hash(0), digest[:], sig)
	}
	pss := func(key *rsa.PublicKey, sig []byte) error {
		return rsa.VerifyPSS(key, crypto.SHA256, digest[:], sig, &rsa.PSSOptions{SaltLength: 32})
	}
	for name, test := range map[string]struct {
		p1     byte
		data   []byte
		verify func(*rsa.PublicKey, []byte) error
	}{
		"00 signs a DigestInfo as it is": {apdu.SignVerbatim, info, pkcs1},
		"01 hashes, without DigestInfo":  {apdu.SignHashBare, message, bare},
		"02 puts a digest in DigestInfo": {apdu.SignDigestInfo, digest[:], pkcs1},
		"03 hashes, in DigestInfo":       {apdu.SignHashInfo, message, pkcs1},
		"04 is PSS over a digest":        {apdu.SignPSS, digest[:], pss},
		"05 hashes for PSS":              {apdu.SignHashPSS, message, pss},
	} {
		t.Run(name, func(t *testing.T) {
			for file, kind := range map[uint16]pki.Kind{apdu.EFAuthKey: pki.CardAuth, apdu.EFSignKey: pki.CardSign} {
				sig := transmit(t, m, apdu.Command{CLA: 0x80, INS: apdu.InsSign, P1: test.p1, P2: apdu.ByShortID(file), Data: test.data, Le: 256})
				public, err := m.Card.PublicKey(kind)
				if err != nil {
					t.Fatal(err)
				}
				if err := test.verify(public, sig); err != nil {
					t.Errorf("%s: %v", kind, err)
				}
			}
		})
	}
}

// Everything that a terminal can read, in any state, is read; no private number
// of either key is in it.
func TestNoCommandGivesAPrivateKeyAway(t *testing.T) {
	m := cardtest.New(t, cardtest.Options{})
	run(t, m.Card, "<select jpki> => 9000\n<pin> => 9000\n<password> => 9000")
	var said bytes.Buffer
	for fid := range 0x30 {
		m.Card.Transmit(apdu.Command{INS: apdu.InsSelect, P1: 2, P2: 0x0C, Data: []byte{0, byte(fid)}, Le: apdu.NoLe}.Bytes())
		for offset := 0; offset < 4096; offset += 256 {
			said.Write(m.Card.Transmit(apdu.Command{INS: apdu.InsReadBinary, P1: byte(offset >> 8), Le: 256}.Bytes()))
		}
		said.Write(m.Card.Transmit(apdu.Command{INS: apdu.InsReadRecord, P1: 1, P2: byte(fid)<<3 | 4, Le: 256}.Bytes()))
	}
	for ins := range 256 {
		for _, cla := range []byte{0x00, 0x80} {
			for _, p2 := range []byte{0x80, 0x97, 0x9A} {
				said.Write(m.Card.Transmit(apdu.Command{CLA: cla, INS: byte(ins), P2: p2, Le: 65536}.Bytes()))
			}
		}
	}
	for i := range 2 {
		key := pkitest.Key(t, i)
		for what, n := range map[string][]byte{"D": key.D.Bytes(), "P": key.Primes[0].Bytes(), "Q": key.Primes[1].Bytes()} {
			if bytes.Contains(said.Bytes(), n[:16]) {
				t.Errorf("key %d: %s came out", i, what)
			}
		}
	}
}
