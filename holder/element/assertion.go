package element

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/subtle"
	"crypto/x509"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/protocol/webauthncbor"
	"github.com/go-webauthn/webauthn/protocol/webauthncose"
)

// An Attestation is what navigator.credentials.create answered. With conveyance
// "none" nothing vouches for it but the PIN under which it was asked for.
type Attestation struct {
	ClientData []byte `json:"client_data"`
	Object     []byte `json:"object"`     // CBOR
	Attachment string `json:"attachment"` // what the browser says: "platform"
}

// An Assertion is what navigator.credentials.get answered.
type Assertion struct {
	ID                []byte `json:"id"`
	ClientData        []byte `json:"client_data"`
	AuthenticatorData []byte `json:"authenticator_data"`
	Signature         []byte `json:"signature"`
}

// What an assertion is refused for. They are for tests and logs: a person hears
// the same of each.
var (
	errCredential = errors.New("element: another credential")
	errClientData = errors.New("element: client data are not of this ceremony")
	errOrigin     = errors.New("element: another origin")
	errData       = errors.New("element: authenticator data do not fit")
	errRPID       = errors.New("element: another relying party")
	errPresence   = errors.New("element: nobody was present")
	errVerified   = errors.New("element: nobody was recognised")
	errBackup     = errors.New("element: the credential can be copied")
	errSignature  = errors.New("element: the signature does not fit")
	errSignCount  = errors.New("element: the signature counter went back")
)

// ceremonyOf is what client data must say.
type ceremonyOf struct {
	challenge    []byte
	origin, rpID string
}

const (
	maxClientData = 4 << 10 // bytes
	maxObject     = 16 << 10
	maxID         = 1023 // WebAuthn, section 4: a credential id is at most 1023 bytes
)

// clientData are the members of CollectedClientData (WebAuthn, section 5.8.1)
// that decide something.
type clientData struct {
	Type        string          `json:"type"`
	Challenge   string          `json:"challenge"`
	Origin      string          `json:"origin"`
	CrossOrigin bool            `json:"crossOrigin"`
	TopOrigin   json.RawMessage `json:"topOrigin"`
}

// check reads client data and compares them. WebAuthn, section 7.2, steps 10 to
// 13: type, challenge, origin, and no frame of another site around it. Origins
// are compared byte by byte: there is one.
func (c ceremonyOf) check(raw []byte, typ string) error {
	var d clientData
	if len(raw) > maxClientData || json.Unmarshal(raw, &d) != nil || d.Type != typ {
		return errClientData
	}
	got, err := base64.RawURLEncoding.Strict().DecodeString(d.Challenge)
	if err != nil || subtle.ConstantTimeCompare(got, c.challenge) != 1 {
		return ErrChallenge
	}
	if d.Origin != c.origin || d.CrossOrigin || d.TopOrigin != nil {
		return errOrigin
	}
	return nil
}

// dataLength is authenticator data without what nobody asked for: attested
// credentials and extensions (WebAuthn, section 6.1).
const dataLength = 32 + 1 + 4

// flags checks RP ID hash and flags; WebAuthn, section 7.2, steps 15 to 19.
func (c ceremonyOf) flags(rpIDHash []byte, f protocol.AuthenticatorFlags) error {
	want := sha256.Sum256([]byte(c.rpID))
	switch {
	case !bytes.Equal(rpIDHash, want[:]):
		return errRPID
	case !f.UserPresent():
		return errPresence
	case !f.UserVerified():
		return errVerified
	case f.HasBackupEligible() || f.HasBackupState(): // refused at enrolment, so that a change is refused too
		return errBackup
	}
	return nil
}

// verify checks an assertion by the enrolled credential, all of it, and returns
// the authenticator's counter. Nothing of it was compared before.
func (a Assertion) verify(b biometric, c ceremonyOf) (signCount uint32, err error) {
	if !bytes.Equal(a.ID, b.ID) {
		return 0, errCredential
	}
	if err := c.check(a.ClientData, "webauthn.get"); err != nil {
		return 0, err
	}
	if len(a.AuthenticatorData) != dataLength {
		return 0, errData
	}
	f := protocol.AuthenticatorFlags(a.AuthenticatorData[32])
	if f.HasAttestedCredentialData() || f.HasExtensions() {
		return 0, errData
	}
	if err := c.flags(a.AuthenticatorData[:32], f); err != nil {
		return 0, err
	}
	// Step 21: the signature is over authenticator data ‖ SHA-256(client data).
	client := sha256.Sum256(a.ClientData)
	digest := sha256.Sum256(append(bytes.Clone(a.AuthenticatorData), client[:]...))
	if !b.signed(digest[:], a.Signature) {
		return 0, errSignature
	}
	// Step 22: where one of the two is not zero, the authenticator counts, and
	// must have counted on; if not, there is a copy of it.
	signCount = binary.BigEndian.Uint32(a.AuthenticatorData[33:])
	if (signCount != 0 || b.SignCount != 0) && signCount <= b.SignCount {
		return 0, errSignCount
	}
	return signCount, nil
}

// signed verifies with the enrolled key: ES256 or RS256, as it was enrolled.
func (b biometric) signed(digest, signature []byte) bool {
	pub, err := x509.ParsePKIXPublicKey(b.Key)
	if err != nil {
		return false
	}
	switch key := pub.(type) {
	case *ecdsa.PublicKey:
		return ecdsa.VerifyASN1(key, digest, signature)
	case *rsa.PublicKey:
		return rsa.VerifyPKCS1v15(key, crypto.SHA256, digest, signature) == nil
	}
	return false
}

// verify checks a new credential and returns what is kept of it: its id, its
// public key and its counter. CBOR and COSE are go-webauthn's to read.
func (a Attestation) verify(c ceremonyOf) (biometric, error) {
	if a.Attachment != string(protocol.Platform) {
		return biometric{}, ErrNotPlatform
	}
	if err := c.check(a.ClientData, "webauthn.create"); err != nil {
		return biometric{}, refused(err)
	}
	var object protocol.AttestationObject
	if len(a.Object) > maxObject {
		return biometric{}, refused(errData)
	}
	if err := webauthncbor.Unmarshal(a.Object, &object); err != nil {
		return biometric{}, refused(err)
	}
	if err := object.AuthData.Unmarshal(object.RawAuthData); err != nil {
		return biometric{}, refused(err)
	}
	data := object.AuthData
	if err := c.flags(data.RPIDHash, data.Flags); errors.Is(err, errBackup) {
		return biometric{}, ErrNotPlatform
	} else if err != nil {
		return biometric{}, refused(err)
	}
	id := data.AttData.CredentialID
	if !data.Flags.HasAttestedCredentialData() || len(id) == 0 || len(id) > maxID {
		return biometric{}, refused(errData)
	}
	key, err := publicKey(data.AttData.CredentialPublicKey)
	if err != nil {
		return biometric{}, refused(err)
	}
	return biometric{ID: id, Key: key, SignCount: data.Counter}, nil
}

func refused(err error) error { return fmt.Errorf("%w: %w", ErrNotEnrollable, err) }

// publicKey turns a COSE key (RFC 9053) into SubjectPublicKeyInfo: ES256 on
// P-256, or RS256 from 2048 bits on, which some platforms make alone.
func publicKey(cose []byte) ([]byte, error) {
	parsed, err := webauthncose.ParsePublicKey(cose)
	if err != nil {
		return nil, err
	}
	switch k := parsed.(type) {
	case webauthncose.EC2PublicKeyData:
		key, err := k.ToECDSA()
		if err != nil || k.Algorithm != int64(webauthncose.AlgES256) || key.Curve != elliptic.P256() {
			return nil, errData
		}
		return x509.MarshalPKIXPublicKey(key) // checks that the point is on the curve
	case webauthncose.RSAPublicKeyData:
		e, err := webauthncose.ParseRSAPublicKeyDataExponent(&k)
		n := new(big.Int).SetBytes(k.Modulus)
		if err != nil || k.Algorithm != int64(webauthncose.AlgRS256) || n.BitLen() < 2048 || n.BitLen() > 4096 {
			return nil, errData
		}
		return x509.MarshalPKIXPublicKey(&rsa.PublicKey{N: n, E: e})
	}
	return nil, errData
}
