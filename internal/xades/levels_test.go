package xades_test

import (
	"bytes"
	"context"
	"crypto"
	"crypto/rand"
	"encoding/asn1"
	"errors"
	"strings"
	"testing"

	"tegata/internal/pkitest"
	"tegata/internal/xades"
)

// token is shaped like a TimeStampToken over an imprint, and as large as one.
func token(_ context.Context, imprint []byte) ([]byte, error) {
	padding := make([]byte, 5<<10)
	rand.Read(padding)
	return asn1.Marshal(struct {
		Kind asn1.ObjectIdentifier
		Rest [][]byte
	}{asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 7, 2}, [][]byte{imprint, padding}})
}

// answer is shaped like a successful OCSPResponse, and as large as one.
func answer(t testing.TB) []byte {
	t.Helper()
	body := make([]byte, 1500)
	rand.Read(body)
	der, err := asn1.Marshal(struct {
		Status asn1.Enumerated
		Bytes  struct {
			Kind asn1.ObjectIdentifier
			Body []byte
		} `asn1:"explicit,tag:0"`
	}{0, struct {
		Kind asn1.ObjectIdentifier
		Body []byte
	}{asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 48, 1, 1}, body}})
	if err != nil {
		t.Fatal(err)
	}
	return der
}

// raise takes a signature through the levels: B-B, B-T, B-LT, B-LTA.
func raise(t testing.TB, who signer, signed string, content []byte) []string {
	t.Helper()
	list := []string{signed}
	step := func(raised []byte, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, string(raised))
	}
	last := func() []byte { return []byte(list[len(list)-1]) }
	step(xades.AddSignatureTimeStamp(t.Context(), last(), content, token))
	step(xades.AddValues(last(), content, [][]byte{who.cert.Raw, who.ca.Cert.Raw}, [][]byte{answer(t), answer(t)}))
	step(xades.AddArchiveTimeStamp(t.Context(), last(), content, token))
	return list
}

func TestLevels(t *testing.T) {
	who := person(t, pkitest.Key(t, 0))
	for _, form := range []xades.Form{xades.Enveloped, xades.Enveloping, xades.Detached} {
		t.Run(string(form), func(t *testing.T) {
			var content []byte
			if form == xades.Detached {
				content = []byte(contract)
			}
			list := raise(t, who, who.sign(t, contract, who.options(form)), content)
			for i, level := range []xades.Level{xades.LevelB, xades.LevelT, xades.LevelLT, xades.LevelTA} {
				got, err := xades.Signatures([]byte(list[i]), content)
				if err != nil {
					t.Fatal(err)
				}
				s := got[0]
				if s.Level != level || len(s.NotEvaluated) > 0 {
					t.Errorf("got %s %q, want %s", s.Level, s.NotEvaluated, level)
				}
				for _, stamp := range s.TimeStamps {
					if !bytes.Contains(stamp.Token, stamp.Imprint(crypto.SHA256)) {
						t.Errorf("%s: the token of the %s is over something else", level, stamp.Kind)
					}
				}
				if i == 3 && (len(s.TimeStamps) != 2 || len(s.OCSP) != 2 || len(s.Certificates) != 2) {
					t.Errorf("%d time-stamps, %d answers, %d certificates", len(s.TimeStamps), len(s.OCSP), len(s.Certificates))
				}
			}
			if added := len(list[3]) - len(list[0]); added > xades.MaxAdded {
				t.Errorf("%d bytes were added", added)
			}
		})
	}
}

// Years later: further values, and a time-stamp over all of it.
func TestRenewal(t *testing.T) {
	who := person(t, pkitest.Key(t, 0))
	list := raise(t, who, who.sign(t, contract, who.options(xades.Enveloped)), nil)
	signed := []byte(list[3])
	old, err := xades.Signatures(signed, nil)
	if err != nil {
		t.Fatal(err)
	}
	if signed, err = xades.AddValues(signed, nil, [][]byte{person(t, pkitest.Key(t, 3)).cert.Raw}, [][]byte{answer(t)}); err != nil {
		t.Fatal(err)
	}
	if signed, err = xades.AddArchiveTimeStamp(t.Context(), signed, nil, token); err != nil {
		t.Fatal(err)
	}
	got, err := xades.Signatures(signed, nil)
	if err != nil {
		t.Fatal(err)
	}
	s := got[0]
	if len(s.TimeStamps) != 3 || len(s.OCSP) != 3 || len(s.Certificates) != 3 || s.Level != xades.LevelTA {
		t.Errorf("got %d time-stamps, %d answers, %d certificates, %s", len(s.TimeStamps), len(s.OCSP), len(s.Certificates), s.Level)
	}
	for i, stamp := range old[0].TimeStamps {
		if !bytes.Equal(stamp.Octets, s.TimeStamps[i].Octets) {
			t.Errorf("what time-stamp %d is over has changed", i)
		}
	}
	first, second := s.TimeStamps[1].Octets, s.TimeStamps[2].Octets
	if !bytes.Contains(second, []byte("TimeStampValidationData")) || !bytes.Contains(second, []byte("ArchiveTimeStamp")) || bytes.Contains(first, []byte("ArchiveTimeStamp")) {
		t.Error("the second is not over the first and what came after it")
	}
	for i, covers := range [][3]bool{{}, {true}, {true, true}} {
		for j, want := range covers {
			if s.TimeStamps[i].Covers(s.TimeStamps[j].Token) != want {
				t.Errorf("time-stamp %d covers %d: not %v", i, j, want)
			}
		}
	}
	// What is there already is not added again.
	same, err := xades.AddValues(signed, nil, [][]byte{who.cert.Raw}, [][]byte{s.OCSP[0]})
	if err != nil || !bytes.Equal(same, signed) {
		t.Errorf("known values were added: %v", err)
	}
}

// An ArchiveTimeStamp is over everything: nothing that it covers can be changed
// without its octets changing.
func TestAnArchiveTimeStampCovers(t *testing.T) {
	who := person(t, pkitest.Key(t, 0))
	list := raise(t, who, who.sign(t, contract, who.options(xades.Enveloping)), nil)
	whole, err := xades.Signatures([]byte(list[3]), nil)
	if err != nil {
		t.Fatal(err)
	}
	octets := string(whole[0].TimeStamps[1].Octets)
	for _, part := range []string{"田中", "<ds:SignedInfo", "<ds:SignatureValue", "<ds:KeyInfo", "SigningCertificateV2", "<xades:SignatureTimeStamp", "CertificateValues", "RevocationValues", "<ds:Object"} {
		if !strings.Contains(octets, part) {
			t.Errorf("it does not cover %s", part)
		}
	}
}

func TestLevelsRefused(t *testing.T) {
	who := person(t, pkitest.Key(t, 0))
	list := raise(t, who, who.sign(t, contract, who.options(xades.Enveloped)), nil)
	plain := "<a>1" + who.craft(t, signedInfo(rsaSHA256, refer(` URI=""`, transforms(enveloped), "<a>1</a>")), keyInfo(who)) + "</a>"
	broken := errors.New("the authority does not answer")
	stamp := func(by xades.Stamp) func(string) ([]byte, error) {
		return func(signed string) ([]byte, error) {
			return xades.AddSignatureTimeStamp(t.Context(), []byte(signed), nil, by)
		}
	}
	values := func(certificates, answers [][]byte) func(string) ([]byte, error) {
		return func(signed string) ([]byte, error) {
			return xades.AddValues([]byte(signed), nil, certificates, answers)
		}
	}
	archive := func(signed string) ([]byte, error) {
		return xades.AddArchiveTimeStamp(t.Context(), []byte(signed), nil, token)
	}
	crl, err := asn1.Marshal([][]asn1.ObjectIdentifier{{{1, 2, 3}}})
	if err != nil {
		t.Fatal(err)
	}
	var many [][]byte
	for range 20 {
		many = append(many, answer(t))
	}
	for _, c := range []struct {
		name, signed string
		add          func(string) ([]byte, error)
		want         error
	}{
		{"a time-stamp on plain XML Signature", plain, stamp(token), xades.ErrLevel},
		{"a second SignatureTimeStamp", list[1], stamp(token), xades.ErrLevel},
		{"values before a time-stamp", list[0], values(nil, [][]byte{answer(t)}), xades.ErrLevel},
		{"values without an answer", list[1], values([][]byte{who.ca.Cert.Raw}, nil), xades.ErrLevel},
		{"an archive before values", list[1], archive, xades.ErrLevel},
		{"an authority that fails", list[0], stamp(func(context.Context, []byte) ([]byte, error) { return nil, broken }), broken},
		{"a token over something else", list[0], stamp(func(ctx context.Context, _ []byte) ([]byte, error) { return token(ctx, make([]byte, 32)) }), xades.ErrTimeStamp},
		{"an imprint that is no token", list[0], stamp(func(_ context.Context, imprint []byte) ([]byte, error) { return imprint, nil }), xades.ErrTimeStamp},
		{"a CRL for an answer", list[1], values(nil, [][]byte{crl}), xades.ErrMalformed},
		{"an answer for a certificate", list[1], values([][]byte{answer(t)}, nil), xades.ErrMalformed},
		{"more than may be added", list[1], values(nil, many), xades.ErrLimit},
		{"a signature that does not hold", strings.Replace(list[0], "1000", "9000", 1), stamp(token), xades.ErrContent},
	} {
		t.Run(c.name, func(t *testing.T) {
			if _, err := c.add(c.signed); !errors.Is(err, c.want) {
				t.Errorf("got %v, want %v", err, c.want)
			}
		})
	}
}
