package oidc

import (
	"crypto/ecdsa"
	"encoding/json"
	"errors"
	"slices"

	"github.com/go-jose/go-jose/v4"

	"tegata/internal/ceremony"
	"tegata/internal/httpd"
)

// signs says whether a client is registered for the scope sign.
func (c Client) signs() bool { return len(c.SignPurposes) > 0 }

// signPurpose finds what a client may have documents signed for.
func (c Client) signPurpose(code string) (ceremony.RegisteredPurpose, bool) {
	i := slices.IndexFunc(c.SignPurposes, func(p ceremony.RegisteredPurpose) bool { return p.Code == code })
	if i < 0 {
		return ceremony.RegisteredPurpose{}, false
	}
	return c.SignPurposes[i], true
}

// checkSigning: a signature lasts, so that it takes the strict profile and purposes that
// are registered for nothing less.
func (c Client) checkSigning() error {
	if !c.signs() {
		return nil
	}
	if c.Profile != FAPI2 {
		return clientError("scope %s（文書の署名）を使えるのは、プロファイル %s だけです。", "the scope %s takes the profile %s", scopeSign, FAPI2)
	}
	if len(c.SignPurposes) > maxSignPurposes {
		return clientError("署名の目的は%d個までです。", "at most %d sign_purposes", maxSignPurposes)
	}
	codes := map[string]bool{c.Purpose.Code: true}
	for _, p := range c.SignPurposes {
		if p.RiskFloor != ceremony.R3 {
			return clientError("署名の目的 %q の確かさは R3 です。", "sign_purposes: %q has not the risk class R3", p.Code)
		}
		for _, claim := range p.Claims {
			if !slices.Contains(c.Purpose.Claims, claim) {
				return clientError("署名の目的 %q のデータ %q は、ログインで受け取るデータにありません。", "sign_purposes: %q asks for %q, which the purpose does not", p.Code, claim)
			}
		}
		if !ceremony.ValidName(p.Code) || codes[p.Code] {
			return clientError("署名の目的の code %q は使えません。英数字と - _ . で、目的ごとに別のものにしてください（%[2]q はログインのものです）。",
				"sign_purposes: the code %q is taken or not of letters, digits, - _ . (%[2]q is the login's)", p.Code, c.Purpose.Code)
		}
		codes[p.Code] = true
		if err := checkText("署名の目的 "+p.Code+" の文", "the sentence of "+p.Code, p.Sentence, maxSentence); err != nil {
			return err
		}
	}
	return nil
}

// encryptionAlgs are how a result may be sealed to a client (RFC 7518, section 4.6).
func encryptionAlgs() []jose.KeyAlgorithm {
	return []jose.KeyAlgorithm{jose.ECDH_ES, jose.ECDH_ES_A256KW}
}

// encryptionKey reads the key that a client names for its result: a public key on P-256,
// or the kid alone of one that is registered with use enc. "" for none.
func (c Client) encryptionKey(text json.RawMessage) (string, error) {
	if len(text) == 0 {
		return "", nil
	}
	var named struct {
		KeyID string `json:"kid"`
	}
	var k jose.JSONWebKey
	if httpd.DecodeJSON(text, &named) == nil {
		set, err := c.keys()
		if err != nil {
			return "", err
		}
		i := slices.IndexFunc(set.Keys, func(k jose.JSONWebKey) bool { return k.KeyID == named.KeyID && k.Use == "enc" })
		if i < 0 {
			return "", errors.New("oidc: no registered key of this kid has use enc")
		}
		k = set.Keys[i]
	} else if err := json.Unmarshal(text, &k); err != nil {
		return "", err
	}
	if err := checkEncryption(k); err != nil {
		return "", err
	}
	out, err := k.MarshalJSON()
	return string(out), err
}

func checkEncryption(k jose.JSONWebKey) error {
	public, ok := k.Key.(*ecdsa.PublicKey)
	switch {
	case !ok || !k.IsPublic() || !k.Valid() || public.Params().BitSize != 256:
		return errors.New("oidc: not a public key on P-256")
	case !slices.Contains(encryptionAlgs(), jose.KeyAlgorithm(k.Algorithm)):
		return errors.New("oidc: alg is neither ECDH-ES nor ECDH-ES+A256KW")
	case k.Use != "" && k.Use != "enc":
		return errors.New("oidc: a key for something else")
	}
	return nil
}

// sealResult encrypts a result (RFC 7516): nobody on the way, and no proxy in front of
// the client, reads a signature's certificate.
func sealResult(key string, result ceremony.SignResult) (string, error) {
	var k jose.JSONWebKey
	if err := json.Unmarshal([]byte(key), &k); err != nil {
		return "", err
	}
	text, err := json.Marshal(result)
	if err != nil {
		return "", err
	}
	sealer, err := jose.NewEncrypter(jose.A256GCM, jose.Recipient{Algorithm: jose.KeyAlgorithm(k.Algorithm), Key: &k},
		(&jose.EncrypterOptions{}).WithContentType("json"))
	if err != nil {
		return "", err
	}
	m, err := sealer.Encrypt(text)
	if err != nil {
		return "", err
	}
	return m.CompactSerialize()
}
