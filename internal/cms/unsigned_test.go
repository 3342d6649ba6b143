package cms_test

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"errors"
	"os"
	"strings"
	"testing"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"

	"tegata/internal/cms"
	"tegata/internal/pkitest"
)

// A stand-in for a token: package cms does not read what a TSTInfo says.
func stamp(t testing.TB, info string) []byte {
	t.Helper()
	key := pkitest.ECKey(t)
	cert := certify(t, key, 5)
	der, err := cms.SignTSTInfo(key, cert, []byte(info), cert)
	if err != nil {
		t.Fatal(err)
	}
	return der
}

func verified(t testing.TB, der, content []byte) *cms.Signed {
	t.Helper()
	s, err := cms.Verify(der, content)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func written(t testing.TB, s *cms.Signed) []byte {
	t.Helper()
	der, err := s.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	return der
}

// basic is something with the outer form of a BasicOCSPResponse.
var basic = []byte{0x30, 3, 2, 1, 7}

// archived makes a signature with all four levels, one after the other.
func archived(t testing.TB, key crypto.Signer, cert *x509.Certificate, content []byte, detached bool) []byte {
	t.Helper()
	given := content
	if !detached {
		given = nil
	}
	s := verified(t, sign(t, key, cert, content, detached), given)
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(s.AddSignatureTimeStamp(stamp(t, "over the signature")))
	must(s.AddValidationData(cms.ValidationData{Certificates: []*x509.Certificate{cert}, OCSP: [][]byte{basic}}))
	index, err := s.HashIndex(crypto.SHA256)
	must(err)
	must(s.AddArchiveTimeStamp(stamp(t, "over everything"), index))
	return written(t, s)
}

func TestLevelsAreAddedToASignature(t *testing.T) {
	key := pkitest.Key(t, 0)
	cert := certify(t, key, 1000)
	content := []byte("content")
	for _, detached := range []bool{false, true} {
		der := archived(t, key, cert, content, detached)
		s := verified(t, der, content)
		v, err := s.ValidationData()
		if err != nil || len(v.Certificates) != 1 || !v.Certificates[0].Equal(cert) || len(v.OCSP) != 1 || !bytes.Equal(v.OCSP[0], basic) {
			t.Errorf("validation data %+v, %v", v, err)
		}
		if n, m := len(s.SignatureTimeStamps()), len(s.ArchiveTimeStamps()); n != 1 || m != 1 {
			t.Fatalf("%d and %d time-stamps", n, m)
		}
		token, err := cms.VerifyTSTInfo(s.ArchiveTimeStamps()[0])
		if err != nil {
			t.Fatal(err)
		}
		index, err := s.Covered(token)
		if err != nil {
			t.Fatal(err)
		}
		if !index.Names(s.SignatureTimeStamps()[0]) || index.Names(s.ArchiveTimeStamps()[0]) {
			t.Error("the archive time-stamp covers the one before, and not itself")
		}
		if err := s.AddValidationData(v); err == nil {
			t.Error("validation data were added twice")
		}
	}
}

// What the archive time-stamp is over, spelled out field by field from the message's
// own bytes (ETSI EN 319 122-1, 5.5.3).
func TestArchiveImprint(t *testing.T) {
	key := pkitest.Key(t, 0)
	cert := certify(t, key, 1000)
	content := []byte("content")
	s := verified(t, archived(t, key, cert, content, true), content)
	token, err := cms.VerifyTSTInfo(s.ArchiveTimeStamps()[0])
	if err != nil {
		t.Fatal(err)
	}
	index, err := s.Covered(token)
	if err != nil {
		t.Fatal(err)
	}
	got, err := s.ArchiveImprint(crypto.SHA256, index)
	if err != nil {
		t.Fatal(err)
	}
	bare := sign(t, key, cert, content, true) // without unsigned attributes: SignerInfo is the message's end
	in := cryptobyte.String(bare)
	var info, explicit, sd, skip, signers, signer cryptobyte.String
	ok := in.ReadASN1(&info, cbasn1.SEQUENCE) && info.SkipASN1(cbasn1.OBJECT_IDENTIFIER) && info.ReadASN1(&explicit, 0xA0) &&
		explicit.ReadASN1(&sd, cbasn1.SEQUENCE) && sd.SkipASN1(cbasn1.INTEGER) && sd.SkipASN1(cbasn1.SET) && sd.ReadASN1(&skip, cbasn1.SEQUENCE) &&
		sd.SkipASN1(0xA0) && sd.ReadASN1(&signers, cbasn1.SET) && signers.ReadASN1(&signer, cbasn1.SEQUENCE)
	if !ok {
		t.Fatal("the test does not find the SignerInfo")
	}
	sum := func(parts ...[]byte) []byte {
		h := crypto.SHA256.New()
		for _, p := range parts {
			h.Write(p)
		}
		return h.Sum(nil)
	}
	// skip is EncapsulatedContentInfo without eContent: the identifier alone. The index
	// is the only value of the attribute 0.4.0.19122.1.5 of the token.
	raw, oid := s.ArchiveTimeStamps()[0], []byte{6, 7, 4, 0, 0x81, 0x95, 0x32, 1, 5}
	attribute := cryptobyte.String(raw[max(bytes.Index(raw, oid), 0):])
	var set, value cryptobyte.String
	if !attribute.SkipASN1(cbasn1.OBJECT_IDENTIFIER) || !attribute.ReadASN1(&set, cbasn1.SET) || !set.ReadASN1Element(&value, cbasn1.SEQUENCE) {
		t.Fatal("the test does not find the index")
	}
	if want := sum(skip, sum(content), signer, value); !bytes.Equal(got, want) {
		t.Errorf("got %x, want %x", got, want)
	}
}

// Whatever stood there when the archive time-stamp was made cannot be taken away or
// changed; something can be added.
func TestTheIndexNoticesWhatIsTakenAway(t *testing.T) {
	key := pkitest.Key(t, 0)
	cert := certify(t, key, 1000)
	content := []byte("content")
	der := archived(t, key, cert, content, true)
	check := func(s *cms.Signed) error {
		token, err := cms.VerifyTSTInfo(s.ArchiveTimeStamps()[0])
		if err != nil {
			t.Fatal(err)
		}
		_, err = s.Covered(token)
		return err
	}
	changed := verified(t, bytes.Replace(der, basic, []byte{0x30, 3, 2, 1, 8}, 1), content)
	if err := check(changed); !errors.Is(err, cms.ErrHashIndex) {
		t.Errorf("an OCSP answer was changed: %v", err)
	}
	replaced := verified(t, der, content)
	if err := replaced.ReplaceTimeStamp(replaced.SignatureTimeStamps()[0], stamp(t, "another")); err != nil {
		t.Fatal(err)
	}
	if err := check(replaced); !errors.Is(err, cms.ErrHashIndex) {
		t.Errorf("a time-stamp was replaced: %v", err)
	}
	more := verified(t, der, content)
	if err := more.AddSignatureTimeStamp(stamp(t, "one more")); err != nil {
		t.Fatal(err)
	}
	if err := check(more); err != nil {
		t.Errorf("one more time-stamp: %v", err)
	}
	if again := verified(t, written(t, more), content); len(again.SignatureTimeStamps()) != 2 {
		t.Error("the second time-stamp is not there")
	}
}

func TestUnsignedAttributesAreReadStrictly(t *testing.T) {
	key := pkitest.Key(t, 0)
	cert := certify(t, key, 1000)
	content := []byte("content")
	s := verified(t, archived(t, key, cert, content, true), content)
	crl := bytes.Replace(written(t, s), append([]byte{0xA1, 7, 0x30, 5}, basic...), append([]byte{0xA0, 7, 0x30, 5}, basic...), 1)
	if _, err := verified(t, crl, content).ValidationData(); !errors.Is(err, cms.ErrMalformed) {
		t.Errorf("a CRL in revocation-values: %v", err)
	}
	if _, err := cms.VerifyTSTInfo(sign(t, key, cert, content, false)); !errors.Is(err, cms.ErrMalformed) {
		t.Errorf("a document's signature as a time-stamp: %v", err)
	}
	if _, err := cms.Verify(stamp(t, "info"), nil); !errors.Is(err, cms.ErrMalformed) {
		t.Errorf("a time-stamp as a document's signature: %v", err)
	}
}

// openssl knows nothing of the levels and still accepts the signature under them.
func TestOpenSSLAcceptsASignatureWithLevels(t *testing.T) {
	d := pkitest.NewDesk(t, "openssl")
	key := pkitest.Key(t, 0)
	cert := certify(t, key, 77)
	content := []byte("content")
	p7 := d.Write(t, "p7s", archived(t, key, cert, content, true))
	out := d.Run(t, "cms", "-verify", "-cades", "-binary", "-inform", "DER", "-in", p7, "-content", d.Write(t, "in", content),
		"-CAfile", d.Write(t, "ca.pem", pemOf("CERTIFICATE", cert.Raw)), "-attime", "1795340000", "-out", os.DevNull)
	if !strings.Contains(out, "uccessful") {
		t.Errorf("openssl says %s", out)
	}
	printed := d.Run(t, "cms", "-cmsout", "-print", "-noout", "-inform", "DER", "-in", p7)
	for _, name := range []string{"id-smime-aa-timeStampToken", "id-smime-aa-ets-certValues", "id-smime-aa-ets-revocationValues", "0.4.0.1733.2.4"} {
		if !strings.Contains(printed, name) {
			t.Errorf("openssl does not see %s", name)
		}
	}
}

func TestConfusion(t *testing.T) {
	key := pkitest.Key(t, 0)
	cert := certify(t, key, 1000)
	der := sign(t, key, cert, []byte("content"), true)
	contentType := []byte{6, 9, 0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 1, 9, 3, 0x31, 0x0B, 6, 9, 0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 1, 7}
	rsaEncryption := []byte{6, 9, 0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 1, 1, 1, 5, 0, 4} // of the signature: an OCTET STRING follows
	swap := func(from []byte, at int, to byte) []byte {
		changed := bytes.Clone(from)
		changed[at] = to
		return bytes.Replace(der, from, changed, 1)
	}
	for name, c := range map[string]struct {
		der  []byte
		want error
	}{
		"a content-type that is not the content's": {swap(append(contentType, 1), len(contentType), 2), cms.ErrAttribute},
		"signing-time under another name":          {swap([]byte{0x86, 0xF7, 0x0D, 1, 9, 5}, 5, 0x36), cms.ErrMissingAttribute},
		"sha512WithRSA over a SHA-256 digest":      {swap(rsaEncryption, 10, 13), cms.ErrAlgorithm},
		"sha1WithRSA over a SHA-256 digest":        {swap(rsaEncryption, 10, 5), cms.ErrAlgorithm},
		"RSASSA-PSS without its parameters":        {swap(rsaEncryption, 10, 10), cms.ErrAlgorithm},
	} {
		t.Run(name, func(t *testing.T) {
			if bytes.Equal(c.der, der) {
				t.Fatal("nothing was changed")
			}
			if _, err := cms.Verify(c.der, []byte("content")); !errors.Is(err, c.want) {
				t.Errorf("got %v, want %v", err, c.want)
			}
		})
	}
}
