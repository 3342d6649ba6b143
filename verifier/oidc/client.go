package oidc

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/go-jose/go-jose/v4"

	"tegata/internal/audit"
	"tegata/internal/ceremony"
	"tegata/verifier/gateway"
)

// Profile is how strictly a client has to speak.
type Profile string

// The profiles.
const (
	// Basic: client_secret_basic or private_key_jwt, up to R2, refresh tokens that rotate.
	Basic Profile = "basic"
	// FAPI2 is the FAPI 2.0 Security Profile: pushed requests, private_key_jwt, DPoP.
	FAPI2 Profile = "fapi2"
)

// How a client authenticates at the endpoints for programs (OpenID Connect Core,
// section 9).
const (
	SecretBasic   = "client_secret_basic"
	PrivateKeyJWT = "private_key_jwt"
)

// Client is a registered relying party.
type Client struct {
	ID      string        `json:"id"` // client_id, and the party's id on phones
	Name    ceremony.Text `json:"name"`
	Mark    string        `json:"mark"`
	Logo    string        `json:"logo,omitempty"` // base64url SHA-256 of the picture that the Store has; see NewLogo
	Profile Profile       `json:"profile"`

	Authentication string          `json:"authentication"`          // SecretBasic or PrivateKeyJWT
	SecretSHA256   string          `json:"secret_sha256,omitempty"` // hex; with SecretBasic
	JWKS           json.RawMessage `json:"jwks,omitempty"`          // public keys; with PrivateKeyJWT

	RedirectURIs           []string `json:"redirect_uris"` // compared exactly
	PostLogoutRedirectURIs []string `json:"post_logout_redirect_uris,omitempty"`
	BackchannelLogoutURI   string   `json:"backchannel_logout_uri,omitempty"`
	Refresh                bool     `json:"refresh,omitempty"` // gets refresh tokens

	// Sector: parties of one sector know a person by the same sub. Empty: ID.
	Sector string `json:"sector,omitempty"`
	// Purpose is what phones show, the least risk class, and the most data.
	Purpose ceremony.RegisteredPurpose `json:"purpose"`
	// SignPurposes are what it may have documents signed for; with one, it may ask for the
	// scope sign.
	SignPurposes []ceremony.RegisteredPurpose `json:"sign_purposes,omitempty"`
}

// scopes are those that a client may be given: openid, one for each attribute, and sign.
func (c Client) scopes() string {
	list := append([]string{"openid"}, c.Purpose.Claims...)
	if c.signs() {
		list = append(list, scopeSign)
	}
	return strings.Join(list, " ")
}

// Equal says whether two registrations say the same, secrets too.
func (c Client) Equal(other Client) bool {
	a, errA := json.Marshal(c)
	b, errB := json.Marshal(other)
	return errA == nil && errB == nil && bytes.Equal(a, b)
}

// NewSecret draws a client secret and returns it with the form in which it rests. It
// has 130 random bits, so that one pass of SHA-256 protects it.
func NewSecret() (secret, sum string) {
	secret = rand.Text()
	return secret, secretSum(secret)
}

func secretSum(secret string) string {
	sum := sha256.Sum256([]byte(secret))
	return hex.EncodeToString(sum[:])
}

// secretMatches compares in constant time. A client without a secret matches nothing.
func secretMatches(sum, secret string) bool {
	return len(sum) == 64 && subtle.ConstantTimeCompare([]byte(sum), []byte(secretSum(secret))) == 1
}

func (c Client) keys() (set jose.JSONWebKeySet, err error) {
	err = json.Unmarshal(c.JWKS, &set)
	return set, err
}

// clientAlgs are what clients and their DPoP proofs may be signed with: RFC 9700,
// section 2.5, and FAPI 2.0, section 5.4.1, leave these of the common ones.
func clientAlgs() []jose.SignatureAlgorithm { return []jose.SignatureAlgorithm{jose.ES256, jose.PS256} }

// client finds a registered client whose party may still ask: ErrNotFound when there is
// none, or when the operator has ended it.
func (p *Provider) client(ctx context.Context, id string) (Client, error) {
	c, err := p.c.Store.Client(ctx, id)
	if err != nil {
		return c, err
	}
	err = p.c.Gateway.Registered(ctx, id)
	if errors.Is(err, gateway.ErrNoParty) {
		return Client{}, ErrNotFound
	}
	return c, err
}

// Register registers a relying party, or replaces its registration: from then on
// phones show its name and purpose. It is the operator's act. ErrClient, with why, or
// the gateway's refusal.
func (p *Provider) Register(ctx context.Context, who audit.Actor, c Client) error {
	if c.Sector == "" {
		c.Sector = c.ID
	}
	party, err := p.fits(ctx, c)
	if err != nil {
		return err
	}
	if err := p.c.Gateway.Register(ctx, who, party); err != nil {
		return fmt.Errorf("%w: %w", ErrClient, err)
	}
	if err := p.c.Store.PutClient(ctx, who, p.c.Now(), c); err != nil {
		return fmt.Errorf("oidc: register %s: %w", c.ID, err)
	}
	return nil
}

// fits checks a registration as a whole, and returns the party that phones would be shown.
// ErrClient, with why.
func (p *Provider) fits(ctx context.Context, c Client) (gateway.Party, error) {
	if err := c.check(!p.c.Sandbox); err != nil {
		return gateway.Party{}, err
	}
	if c.Logo != "" {
		_, err := p.c.Store.Logo(ctx, c.ID, c.Logo)
		if errors.Is(err, ErrNotFound) {
			return gateway.Party{}, clientError("logo の画像がありません。", "there is no picture for logo")
		}
		if err != nil {
			return gateway.Party{}, fmt.Errorf("oidc: register %s: %w", c.ID, err)
		}
	}
	party := gateway.Party{ID: c.ID, Name: c.Name, Mark: c.Mark, Logo: c.Logo, Purposes: append([]ceremony.RegisteredPurpose{c.Purpose}, c.SignPurposes...),
		Through: p.c.Party, Sector: c.Sector}
	for _, uri := range c.RedirectURIs {
		if o, err := ceremony.Origin(uri); err == nil && !slices.Contains(party.Origins, o) {
			party.Origins = append(party.Origins, o)
		}
	}
	party, err := p.c.Gateway.Fits(ctx, party)
	switch {
	case errors.Is(err, ceremony.ErrMalformed):
		return party, fmt.Errorf("%w: %w", ErrClient, err)
	case err != nil:
		return party, fmt.Errorf("oidc: register %s: %w", c.ID, err)
	}
	return party, nil
}
