package oidc

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/go-jose/go-jose/v4"

	"tegata/internal/ceremony"
)

// ErrClient is a registration that does not hold together; its text says why.
var ErrClient = errors.New("oidc: registration")

// fault is what a registration lacks, for whoever wrote it. It is an ErrClient.
type fault struct{ says ceremony.Text }

func (f *fault) Error() string { return ErrClient.Error() + ": " + f.says.EN }

func (f *fault) Unwrap() error { return ErrClient }

// clientError is a fault in both languages; args are for each of the two.
func clientError(ja, en string, args ...any) error {
	return &fault{ceremony.Text{JA: fmt.Sprintf(ja, args...), EN: fmt.Sprintf(en, args...)}}
}

// whyOf says what a registration lacks. What only the gateway found is told in its words:
// no form of ours can ask for it.
func whyOf(err error) ceremony.Text {
	if f, ok := errors.AsType[*fault](err); ok {
		return f.says
	}
	why := strings.TrimPrefix(err.Error(), ErrClient.Error()+": ")
	return ceremony.Text{JA: "登録の内容に、使えない値があります。", EN: why}
}

// Limits of a registration, beside those of ceremony.Registration.
const (
	maxAddresses    = 16
	maxSignPurposes = 16
	maxKeySet       = 16 << 10 // bytes of JWKS
	maxName         = 200      // bytes in each language; ceremony.Registration takes no more
	maxSentence     = 400
)

// check looks at what the gateway does not look at, and first at what the gateway would
// only say in a programmer's words. production: no address without TLS.
func (c Client) check(production bool) error {
	if err := cmp.Or(checkText("サービスの名前", "the name", c.Name, maxName), checkText("ログインの目的", "the purpose", c.Purpose.Sentence, maxSentence)); err != nil {
		return err
	}
	if len(c.RedirectURIs) == 0 || len(c.RedirectURIs) > maxAddresses || len(c.PostLogoutRedirectURIs) > maxAddresses {
		return clientError("redirect_uris は1〜%d個、post_logout_redirect_uris は%[1]d個までにしてください。",
			"1 to %d redirect_uris, and at most %[1]d post_logout_redirect_uris", maxAddresses)
	}
	addresses := slices.Concat(c.RedirectURIs, c.PostLogoutRedirectURIs)
	if c.BackchannelLogoutURI != "" {
		addresses = append(addresses, c.BackchannelLogoutURI)
	}
	for _, uri := range addresses {
		if err := checkAddress(uri, production); err != nil {
			return err
		}
	}
	switch {
	case c.Authentication == SecretBasic && len(c.SecretSHA256) == 64 && len(c.JWKS) == 0:
	case c.Authentication == PrivateKeyJWT && c.SecretSHA256 == "" && len(c.JWKS) > 0:
	default:
		return clientError("%s には client_secret が、%s には jwks が要ります。", "%s with a secret, or %s with jwks", SecretBasic, PrivateKeyJWT)
	}
	if !slices.Contains([]ceremony.Risk{ceremony.R1, ceremony.R2, ceremony.R3}, c.Purpose.RiskFloor) {
		return clientError("確かさは R1、R2、R3 のどれかです。", "the risk class is R1, R2 or R3")
	}
	switch c.Profile {
	case Basic:
		// R3 takes the profile that binds tokens to their holder.
		if !c.Purpose.RiskFloor.Below(ceremony.R3) {
			return clientError("R3 を使えるのは、プロファイル %s だけです。", "risk class R3 takes the profile %s", FAPI2)
		}
	case FAPI2:
		// FAPI 2.0 Security Profile, section 5.3.2.1: clients authenticate by key.
		if c.Authentication != PrivateKeyJWT {
			return clientError("プロファイル %s には %s（JWKS）が要ります。", "the profile %s takes %s", FAPI2, PrivateKeyJWT)
		}
	default:
		return clientError("プロファイルは %s か %s です。", "profile %s or %s", Basic, FAPI2)
	}
	for _, claim := range c.Purpose.Claims {
		if !slices.Contains(ceremony.AttributeClaims(), claim) {
			return clientError("%q は、渡せるデータではありません。", "%q is no attribute that can be released", claim)
		}
	}
	if err := c.checkSigning(); err != nil {
		return err
	}
	return c.checkKeys()
}

// checkText: what phones show has to be there in both languages, in a line, and what it
// looks like. most is in bytes.
func checkText(ja, en string, text ceremony.Text, most int) error {
	for _, in := range []struct{ ja, en, text string }{{ja + "（日本語）", en + " in Japanese", text.JA}, {ja + "（英語）", en + " in English", text.EN}} {
		switch {
		case in.text == "":
			return clientError("%[1]s が空です。", "%[2]s is empty", in.ja, in.en)
		case len(in.text) > most:
			return clientError("%[1]s が長すぎます（%[3]d バイトまで）。", "%[2]s is longer than %[3]d bytes", in.ja, in.en, most)
		case !ceremony.Showable(in.text):
			return clientError("%[1]s に、画面に出せない文字（改行や、文字の向きを変えるものなど）があります。", "%[2]s holds a control character", in.ja, in.en)
		}
	}
	return nil
}

// checkAddress: OAuth 2.0 (RFC 6749, section 3.1.2) wants absolute addresses without a
// fragment; ours are https, or on loopback in a sandbox.
func checkAddress(uri string, production bool) error {
	u, err := url.Parse(uri)
	if _, bad := ceremony.Origin(uri); err != nil || bad != nil || strings.ContainsAny(uri, "#*") || u.String() != uri || production && u.Scheme != "https" {
		return clientError("アドレス %q は使えません。https:// で始め、# と * を入れないでください。", "%q is no https address without a fragment", uri)
	}
	return nil
}

// checkKeys: public keys only, of the algorithms that we take, each with its own kid.
func (c Client) checkKeys() error {
	if len(c.JWKS) == 0 {
		return nil
	}
	var line bytes.Buffer // an operator reads it in a terminal
	set, err := c.keys()
	if err == nil {
		err = json.Compact(&line, c.JWKS)
	}
	if err != nil || len(set.Keys) == 0 || len(set.Keys) > 8 || len(c.JWKS) > maxKeySet || !ceremony.Showable(line.String()) {
		return clientError("JWKS は、鍵を1〜8個入れた JSON（{\"keys\": [...]}）です。", "jwks: 1 to 8 keys")
	}
	seen := map[string]bool{}
	for _, k := range set.Keys {
		good := k.Valid() && k.IsPublic() && slices.Contains(clientAlgs(), jose.SignatureAlgorithm(k.Algorithm))
		if k.Use == "enc" { // what is given to the client is sealed to it
			good = checkEncryption(k) == nil
		}
		if !good || k.KeyID == "" || seen[k.KeyID] {
			return clientError("JWKS は公開鍵だけです。それぞれに別の kid と、alg %v（use が enc のときは %v）が要ります。",
				"jwks: public keys with a kid each and alg of %v, or with use enc and alg of %v", clientAlgs(), encryptionAlgs())
		}
		seen[k.KeyID] = true
	}
	return nil
}
