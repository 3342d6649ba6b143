package ui

import (
	"encoding/json"
	"fmt"
)

// Manifest is a web app manifest (W3C Application Manifest), so that a party's
// pages can be put on a home screen.
type Manifest struct {
	Name       string         `json:"name"`
	ShortName  string         `json:"short_name"`
	ID         string         `json:"id"`
	StartURL   string         `json:"start_url"`
	Scope      string         `json:"scope"`
	Display    string         `json:"display"`
	Lang       string         `json:"lang"`
	Background string         `json:"background_color"`
	Theme      string         `json:"theme_color"`
	Icons      []ManifestIcon `json:"icons"`
}

// ManifestIcon is one picture of a Manifest.
type ManifestIcon struct {
	Src     string `json:"src"`
	Sizes   string `json:"sizes"`
	Type    string `json:"type"`
	Purpose string `json:"purpose,omitempty"`
}

// JSON is the manifest as served with application/manifest+json.
func (m Manifest) JSON() ([]byte, error) {
	b, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("ui: write manifest: %w", err)
	}
	return b, nil
}
