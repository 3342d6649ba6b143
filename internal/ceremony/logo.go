package ceremony

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"image/png"
	"net/url"
)

// What a logo may be: bytes, and pixels of a side.
const (
	MaxLogo     = 128 << 10
	MinLogoSide = 32
	MaxLogoSide = 512
)

// LogoPath is where a verifier has the logo of a party: nobody fetches it from the party.
func LogoPath(party string) string { return "/v1/parties/" + url.PathEscape(party) + "/logo" }

// LogoID names a logo in a registration: the base64url SHA-256 of its PNG.
func LogoID(picture []byte) string {
	sum := sha256.Sum256(picture)
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// CheckLogo says whether picture is the one that a registration names, and one that can
// be shown: a square PNG within the limits. ErrMalformed.
func CheckLogo(picture []byte, id string) error {
	if len(picture) > MaxLogo || LogoID(picture) != id {
		return malformed("logo: not the registered one")
	}
	c, err := png.DecodeConfig(bytes.NewReader(picture))
	if err != nil || c.Width != c.Height || c.Width < MinLogoSide || c.Width > MaxLogoSide {
		return malformed("logo: not a picture that can be shown")
	}
	return nil
}
