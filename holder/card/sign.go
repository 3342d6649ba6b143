package card

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"

	"tegata/holder/apdu"
)

// sign is COMPUTE DIGITAL SIGNATURE, `80 2A`. P1 says what the data is, P2 which
// key: 80 the current file, 80|SFI another; 00, the application's own key, is of
// other applications.
func (d *directory) sign(cmd apdu.Command) apdu.Response {
	if cmd.P1 > apdu.SignHashPSS {
		return apdu.Status(apdu.SWWrongP1P2)
	}
	f, sw := d.address(cmd.P2)
	switch {
	case sw != apdu.SWOK:
		return apdu.Status(sw)
	case f.kind != keyFile:
		return apdu.Status(apdu.SWWrongFileType)
	case !d.verified[f.opener]:
		return apdu.Status(apdu.SWNotAllowed)
	}
	if sw := checkSignatureInput(cmd); sw != apdu.SWOK {
		return apdu.Status(sw)
	}
	key := d.memory.key(d.stateName(f))
	switch {
	case key == nil: // assumption: as if the conditions of use were not met
		return apdu.Status(apdu.SWConditions)
	case cmd.Le != apdu.NoLe && cmd.Le < key.Size():
		return apdu.Status(apdu.SWWrongLength)
	}
	signature, err := computeSignature(key, cmd.P1, cmd.Data)
	if err != nil {
		return apdu.Status(apdu.SWConditions)
	}
	return apdu.OK(signature)
}

func checkSignatureInput(cmd apdu.Command) uint16 {
	n := len(cmd.Data)
	switch {
	case n == 0:
		return apdu.SWWrongLength
	case cmd.P1 == apdu.SignVerbatim && n > apdu.MaxVerbatim,
		(cmd.P1 == apdu.SignDigestInfo || cmd.P1 == apdu.SignPSS) && n != sha256.Size,
		n > apdu.MaxHashedByCard:
		return apdu.SWConditions
	}
	return apdu.SWOK
}

// computeSignature applies the key in one of the six ways of P1.
func computeSignature(key *rsa.PrivateKey, p1 byte, data []byte) ([]byte, error) {
	switch p1 {
	case apdu.SignHashBare, apdu.SignHashInfo, apdu.SignHashPSS:
		sum := sha256.Sum256(data)
		data = sum[:]
	}
	switch p1 {
	case apdu.SignVerbatim, apdu.SignHashBare:
		// RFC 8017, 9.2, EMSA-PKCS1-v1_5 around the bytes as they are.
		return rsa.SignPKCS1v15(rand.Reader, key, crypto.Hash(0), data)
	case apdu.SignPSS, apdu.SignHashPSS:
		// A salt as long as the hash, as TLS 1.3 and RFC 7518 demand.
		return rsa.SignPSS(rand.Reader, key, crypto.SHA256, data, &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash})
	}
	return rsa.SignPKCS1v15(rand.Reader, key, crypto.SHA256, data)
}

func (m *memory) key(name string) *rsa.PrivateKey {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.keys[name]
}
