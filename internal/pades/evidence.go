package pades

import (
	"bytes"
	"compress/zlib"
	"crypto/sha1" // names, see vriKey
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
)

// Evidence is what makes a signature checkable later without asking anybody:
// certificates and OCSP answers, in DER. There are no CRLs: one may be larger than
// the document, and tells about strangers.
type Evidence struct {
	Certificates [][]byte
	OCSP         [][]byte // OCSPResponse (RFC 6960)
}

// AddDSS adds evidence for all signatures of a file to its document security
// store (EN 319 142-1, 5.4.2) in an incremental update: B-LT. What the store has
// already is not added again. VRI names the evidence for the newest signature.
//
// Errors: those of Signatures (a file without a signature needs no evidence), and
// ErrNotDER.
func AddDSS(pdf []byte, e Evidence) ([]byte, error) {
	for _, der := range slices.Concat(e.Certificates, e.OCSP) {
		if exact, err := derValue(der); err != nil || len(exact) != len(der) {
			return nil, ErrNotDER
		}
	}
	signatures, err := Signatures(pdf)
	if err != nil {
		return nil, err
	}
	u, err := newUpdate(pdf)
	if err != nil {
		return nil, err
	}
	root, rootRef, err := u.view.root()
	if err != nil {
		return nil, err
	}
	if shaped, err := storeObjects(u.view, root["DSS"], func(ref, any) {}); err != nil {
		return nil, err
	} else if !shaped {
		return nil, malformed("a security store with something else in it")
	}
	old, err := u.view.dictOf(root["DSS"])
	if err != nil {
		return nil, err
	}
	store := changed(old)
	store["Type"] = name("DSS")
	vri := dict{"Type": name("VRI")}
	for _, part := range []struct {
		inStore, inVRI name
		ders           [][]byte
	}{{"Certs", "Cert", e.Certificates}, {"OCSPs", "OCSP", e.OCSP}} {
		refs, err := u.addEvidence(store, part.inStore, part.ders)
		if err != nil {
			return nil, err
		}
		if len(refs) > 0 {
			vri[part.inVRI] = refs
		}
	}
	all, err := u.view.dictOf(store["VRI"])
	if err != nil {
		return nil, err
	}
	all = changed(all)
	newest := signatures[len(signatures)-1]
	all[vriKey(newest.contents)] = vri
	store["VRI"] = all
	root = changed(root)
	root["DSS"] = u.add(store)
	if root["Extensions"] == nil && bytes.HasPrefix(pdf, []byte("%PDF-1.")) {
		// EN 319 142-1, 5.6: a file of ISO 32000-1 should say that it uses these.
		root["Extensions"] = dict{"ESIC": dict{"BaseVersion": name("1.7"), "ExtensionLevel": 1}}
	}
	u.set(rootRef, root)
	out, _ := u.bytes()
	if len(out) > maxFile {
		return nil, fmt.Errorf("%w: %d bytes", ErrTooLarge, len(out))
	}
	return out, nil
}

// addEvidence adds to one array of the store what it does not have, and returns
// the references of all that was given.
func (u *update) addEvidence(store dict, key name, ders [][]byte) (array, error) {
	list, err := u.view.listOf(store[key])
	if err != nil {
		return nil, err
	}
	list = slices.Clone(list)
	known := map[string]any{}
	for _, r := range list {
		der, err := u.view.evidence(r)
		if err != nil {
			return nil, err
		}
		known[string(der)] = r
	}
	var refs array
	for _, der := range ders {
		r, ok := known[string(der)]
		if !ok {
			r = u.add(packed(der))
			known[string(der)] = r
			list = append(list, r)
		}
		if !slices.Contains(refs, r) {
			refs = append(refs, r)
		}
	}
	if len(list) > 0 {
		store[key] = list
	}
	return refs, nil
}

// packed makes a stream, compressed when that is shorter.
func packed(der []byte) *stream {
	var b bytes.Buffer
	z := zlib.NewWriter(&b)
	z.Write(der) // to memory: neither can fail
	z.Close()
	if b.Len()+len("/Filter /FlateDecode\n") < len(der) {
		return &stream{dict: dict{"Filter": name("FlateDecode")}, raw: b.Bytes()}
	}
	return &stream{dict: dict{}, raw: der}
}

// vriKey is the name of a signature's evidence (ISO 32000-2, 12.8.4.4): the SHA-1
// of its Contents in upper case. Nothing rests on its strength.
func vriKey(contents []byte) name {
	sum := sha1.Sum(contents)
	return name(strings.ToUpper(hex.EncodeToString(sum[:])))
}

// ReadEvidence returns what the document security store of a file has, without
// VRI, which repeats it. A file without a store has none. Nothing of it is
// checked.
//
// Errors: ErrMalformed, ErrTooLarge, ErrEncrypted, ErrUnsupported.
func ReadEvidence(pdf []byte) (Evidence, error) {
	f, err := open(pdf)
	if err != nil {
		return Evidence{}, err
	}
	v := f.view(0, len(pdf))
	root, _, err := v.root()
	if err != nil {
		return Evidence{}, err
	}
	store, err := v.dictOf(root["DSS"])
	if err != nil {
		return Evidence{}, err
	}
	var e Evidence
	for key, to := range map[name]*[][]byte{"Certs": &e.Certificates, "OCSPs": &e.OCSP} {
		list, err := v.listOf(store[key])
		if err != nil {
			return Evidence{}, err
		}
		for _, r := range list {
			der, err := v.evidence(r)
			if err != nil {
				return Evidence{}, err
			}
			*to = append(*to, der)
		}
	}
	return e, nil
}

// evidence reads one stream of the store.
func (v *view) evidence(r any) ([]byte, error) {
	x, err := v.resolve(r)
	if err != nil {
		return nil, err
	}
	s, ok := x.(*stream)
	if !ok {
		return nil, malformed("evidence that is no stream")
	}
	der, err := v.decoded(s)
	if err != nil {
		return nil, err
	}
	exact, err := derValue(der)
	if err != nil || len(exact) != len(der) {
		return nil, malformed("evidence that is not DER")
	}
	return der, nil
}
