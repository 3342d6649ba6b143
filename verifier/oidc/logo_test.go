package oidc_test

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"image"
	"image/color"
	"image/gif"
	"image/png"
	"io"
	"math/rand/v2"
	"mime/multipart"
	"net/http"
	"strings"
	"testing"

	"tegata/internal/ceremony"
	"tegata/store/storetest"
	"tegata/verifier/oidc"
)

// picture is a square whose upper left is see-through.
func picture(side int) image.Image {
	p := image.NewNRGBA(image.Rect(0, 0, side, side))
	for i := range side {
		p.Set(i, i, color.NRGBA{200, 30, 30, 255})
	}
	return p
}

func encoded(t *testing.T, p image.Image) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, p); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// chunk puts a chunk behind the header of a PNG (PNG specification, section 5.3).
func chunk(file []byte, kind, data string) []byte {
	c := binary.BigEndian.AppendUint32(nil, uint32(len(data)))
	c = append(c, kind+data...)
	c = binary.BigEndian.AppendUint32(c, crc32.ChecksumIEEE(c[4:]))
	const header = 8 + 25
	return bytes.Join([][]byte{file[:header], c, file[header:]}, nil)
}

func TestALogoIsMadeAnew(t *testing.T) {
	const script = "<script>alert(1)</script>"
	sent := append(chunk(encoded(t, picture(64)), "tEXt", "Comment\x00"+script), script...)
	got, err := oidc.NewLogo(sent)
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(got, []byte(script)) || bytes.Contains(got, []byte("tEXt")) || bytes.Equal(got, sent) {
		t.Error("it is served as it was sent")
	}
	p, err := png.Decode(bytes.NewReader(got))
	if err != nil || p.Bounds().Dx() != 64 {
		t.Fatal(err)
	}
	if r, g, b, a := p.At(5, 0).RGBA(); r&g&b&a != 0xFFFF {
		t.Error("what is see-through is not white: on a phone's dark ground it would not be seen")
	}
	if r, _, _, _ := p.At(5, 5).RGBA(); r>>8 != 200 {
		t.Error("the pixels are others")
	}
}

func TestWhatIsNoLogo(t *testing.T) {
	noise := image.NewNRGBA(image.Rect(0, 0, 512, 512))
	random := rand.New(rand.NewPCG(1, 2))
	for i := range noise.Pix {
		noise.Pix[i] = byte(random.Uint32())
	}
	var moving bytes.Buffer
	if err := gif.Encode(&moving, picture(64), nil); err != nil {
		t.Fatal(err)
	}
	// A header that claims a picture of 40,000 pixels a side, with nothing behind it.
	bomb := encoded(t, picture(64))
	binary.BigEndian.PutUint32(bomb[16:], 40_000)
	binary.BigEndian.PutUint32(bomb[20:], 40_000)
	binary.BigEndian.PutUint32(bomb[29:], crc32.ChecksumIEEE(bomb[12:29]))
	good := encoded(t, picture(64))
	for name, sent := range map[string][]byte{
		"nothing": {}, "a GIF": moving.Bytes(), "SVG": []byte(`<svg xmlns="http://www.w3.org/2000/svg"/>`), "too many bytes": encoded(t, noise), "too few pixels": encoded(t, picture(16)),
		"too many pixels": encoded(t, picture(513)), "a claim": bomb, "half a picture": good[:len(good)/2],
		"not square": encoded(t, image.NewGray(image.Rect(0, 0, 64, 65))),
	} {
		if _, err := oidc.NewLogo(sent); !errors.Is(err, oidc.ErrClient) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// upload sends a picture as the page's form does.
func (d *devClient) upload(sent []byte) page {
	d.t.Helper()
	var body bytes.Buffer
	m := multipart.NewWriter(&body)
	m.WriteField("client", d.id)
	m.WriteField("token", d.token)
	file, err := m.CreateFormFile("logo", "logo.png")
	if err == nil {
		_, err = file.Write(sent)
	}
	if err != nil || m.Close() != nil {
		d.t.Fatal(err)
	}
	r, err := http.NewRequestWithContext(d.t.Context(), http.MethodPost, d.origin+"/developers/logo", &body)
	if err != nil {
		d.t.Fatal(err)
	}
	r.Header.Set("Content-Type", m.FormDataContentType())
	return d.b.read(d.b.c.Do(r))
}

// logo is what the verifier serves for a party.
func (w *world) logo(party string) (*http.Response, []byte) {
	w.t.Helper()
	res, err := http.Get(w.origin + ceremony.LogoPath(party))
	if err != nil {
		w.t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	return res, b
}

func (w *world) registration(party string) ceremony.Registration {
	w.t.Helper()
	compact, err := w.gateway.Registration(w.t.Context(), party, w.Now())
	if err != nil {
		w.t.Fatal(err)
	}
	m, err := ceremony.ParseRegistration(compact)
	if err != nil {
		w.t.Fatal(err)
	}
	r, err := m.Verify()
	if err != nil {
		w.t.Fatal(err)
	}
	return r
}

func TestALogoIsPartOfTheSignedRegistration(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		d := w.developer()
		if res, _ := w.logo(d.id); res.StatusCode != 404 {
			t.Errorf("before there is one: %d", res.StatusCode)
		}
		if p := d.upload(encoded(t, picture(64))); p.status != 200 || !strings.Contains(p.text, "data:image/png;base64,") {
			t.Fatalf("%d: %s", p.status, p.text)
		}
		res, served := w.logo(d.id)
		if r := w.registration(d.id); r.Logo == "" || r.Logo != ceremony.LogoID(served) {
			t.Errorf("registered is %q, and served is another picture", r.Logo)
		}
		if h := res.Header; h.Get("Content-Type") != "image/png" || h.Get("X-Content-Type-Options") != "nosniff" || !strings.Contains(h.Get("Content-Security-Policy"), "default-src 'none'") {
			t.Errorf("%v", h)
		}
		// Where people log in, too.
		b := w.browser()
		if p := b.get(d.rp().url()); !strings.Contains(p.text, base64.StdEncoding.EncodeToString(served)) {
			t.Errorf("the page of the login has it not:\n%s", p.text)
		}
		for name, sent := range map[string][]byte{"a text": []byte("logo"), "nothing": {}, "large": bytes.Repeat([]byte{1}, 100<<10)} {
			if p := d.upload(sent); p.status != 422 || !strings.Contains(p.text, "ロゴは") {
				t.Errorf("%s: %d", name, p.status)
			}
		}
		if p := d.upload(bytes.Repeat([]byte{1}, 300<<10)); p.status != 413 {
			t.Errorf("300 KiB: %d", p.status)
		}
		if r := w.registration(d.id); r.Logo != ceremony.LogoID(served) {
			t.Error("what was refused changed it")
		}
		d.b.post("/developers/change", d.form(typed(nil)))
		if r := w.registration(d.id); r.Logo != ceremony.LogoID(served) {
			t.Error("another change took it away")
		}
		if p := d.b.post("/developers/logo", d.form(map[string][]string{"remove": {"1"}})); p.status != 200 || w.registration(d.id).Logo != "" {
			t.Errorf("it was not taken away: %d", p.status)
		}
		if res, _ := w.logo(d.id); res.StatusCode != 404 {
			t.Errorf("it is still served: %d", res.StatusCode)
		}
	})
}

// Nobody is shown, and nobody is served, a picture that no operator has approved.
func TestALogoWaitsForTheOperator(t *testing.T) {
	w := openWorld(t, storetest.SQLite(t), false)
	d := w.applicant()
	if p := d.upload(encoded(t, picture(64))); p.status != 200 {
		t.Fatalf("%d: %s", p.status, p.text)
	}
	if res, _ := w.logo(d.id); res.StatusCode != 404 {
		t.Errorf("served before the approval: %d", res.StatusCode)
	}
	d.approve()
	_, first := w.logo(d.id)
	d.shop().login(t.Context(), "hanako")
	if links, err := w.provider.LinksOf(t.Context(), "person-hanako", w.Now()); err != nil || len(links.Links) != 1 || links.Links[0].Logo != ceremony.LogoID(first) {
		t.Errorf("the holder's list has %+v, %v", links, err)
	}
	if w.registration(d.id).Logo != ceremony.LogoID(first) {
		t.Error("it is not registered")
	}
	if p := d.upload(encoded(t, picture(96))); p.status != 200 {
		t.Fatal(p.status)
	}
	if _, now := w.logo(d.id); !bytes.Equal(now, first) {
		t.Error("another is served before it is approved")
	}
	d.approve()
	if _, now := w.logo(d.id); bytes.Equal(now, first) || w.registration(d.id).Logo != ceremony.LogoID(now) {
		t.Error("the change did not come")
	}
	if err := w.provider.EndClient(t.Context(), clerk, d.id, "over"); err != nil {
		t.Fatal(err)
	}
	if res, _ := w.logo(d.id); res.StatusCode != 404 {
		t.Errorf("served after the end: %d", res.StatusCode)
	}
}
