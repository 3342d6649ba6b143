package oidc

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"html/template"
	"image"
	"image/draw"
	"image/png"

	"tegata/internal/ceremony"
	"tegata/internal/ui"
)

// maxLogoSent bounds a picture as a party sends it, in bytes.
const maxLogoSent = 64 << 10

// NewLogo reads a picture as a party sent it and makes it anew: what is kept and served
// holds its pixels and nothing else that was in the file. ErrClient, with why.
func NewLogo(sent []byte) ([]byte, error) {
	if len(sent) > maxLogoSent {
		return nil, clientError("ロゴは %d KB までです。", "the logo is larger than %d KB", maxLogoSent>>10)
	}
	// The header first: a small file may claim a picture that fills the memory.
	c, err := png.DecodeConfig(bytes.NewReader(sent))
	if err != nil {
		return nil, errNoPNG()
	}
	if c.Width != c.Height || c.Width < ceremony.MinLogoSide || c.Width > ceremony.MaxLogoSide {
		return nil, clientError("ロゴは、縦と横が同じ %[3]d〜%[4]d ピクセルにしてください（いまは %[1]d×%[2]d）。",
			"the logo is %d by %d pixels: it has to be square, of %d to %d", c.Width, c.Height, ceremony.MinLogoSide, ceremony.MaxLogoSide)
	}
	picture, err := png.Decode(bytes.NewReader(sent))
	if err != nil {
		return nil, errNoPNG()
	}
	if o, ok := picture.(interface{ Opaque() bool }); !ok || !o.Opaque() { // phones show it on a dark ground
		flat := image.NewRGBA(picture.Bounds())
		draw.Draw(flat, flat.Bounds(), image.White, image.Point{}, draw.Src)
		draw.Draw(flat, flat.Bounds(), picture, picture.Bounds().Min, draw.Over)
		picture = flat
	}
	var out bytes.Buffer
	if err := (&png.Encoder{CompressionLevel: png.BestCompression}).Encode(&out, picture); err != nil {
		return nil, errNoPNG()
	}
	if out.Len() > ceremony.MaxLogo {
		return nil, clientError("ロゴの画像が細かすぎます。色を減らすか、小さくしてください。", "the logo stays too large when it is encoded anew: use fewer colours or pixels")
	}
	return out.Bytes(), nil
}

// KeepLogo makes a picture anew and keeps it for a registration of the client that is to
// name it. ErrClient, with why.
func (p *Provider) KeepLogo(ctx context.Context, client string, sent []byte) (id string, err error) {
	picture, err := NewLogo(sent)
	if err != nil {
		return "", err
	}
	id = ceremony.LogoID(picture)
	if err := p.c.Store.PutLogo(ctx, client, id, picture); err != nil {
		return "", fmt.Errorf("oidc: logo of %s: %w", client, err)
	}
	return id, nil
}

func errNoPNG() error {
	return clientError("ロゴは、壊れていない PNG の画像にしてください。", "the logo is no PNG that can be read")
}

// logoOf is a client's picture for a page; "" when it has none. What the store has not got
// any more is none.
func (p *Provider) logoOf(ctx context.Context, c Client) (template.URL, error) {
	if c.Logo == "" {
		return "", nil
	}
	picture, err := p.c.Store.Logo(ctx, c.ID, c.Logo)
	if errors.Is(err, ErrNotFound) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("oidc: logo of %s: %w", c.ID, err)
	}
	return ui.PNG(picture), nil
}
