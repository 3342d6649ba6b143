package main

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/pb33f/libopenapi"
	validator "github.com/pb33f/libopenapi-validator"
	v3 "github.com/pb33f/libopenapi/datamodel/high/v3"
)

// description is a role's OpenAPI document, and what was seen of the role.
type description struct {
	role      string
	paths     map[string]*v3.PathItem
	validator validator.Validator
	// private are patterns of http.ServeMux that are nobody's from outside.
	private []string

	mu       sync.Mutex      // guards all below
	answered map[string]bool // operations ("GET /x") that answered with 2xx, or 3xx where there is no other
	faults   []string
}

// describe reads a role's document, which has to be one of OpenAPI 3.1.
func describe(t *testing.T, role string, text []byte, private ...string) *description {
	t.Helper()
	doc, err := libopenapi.NewDocument(text)
	if err != nil {
		t.Fatalf("%s: %v", role, err)
	}
	model, err := doc.BuildV3Model()
	if err != nil {
		t.Fatalf("%s: %v", role, err)
	}
	d := &description{role: role, paths: map[string]*v3.PathItem{}, answered: map[string]bool{}, private: private}
	for path, item := range model.Model.Paths.PathItems.FromOldest() {
		d.paths[path] = item
	}
	var errs []error
	if d.validator, errs = validator.NewValidator(doc); len(errs) > 0 {
		t.Fatalf("%s: %v", role, errs)
	}
	if ok, faults := d.validator.ValidateDocument(); !ok {
		for _, f := range faults {
			t.Errorf("%s.yaml: %s: %s: %+v", role, f.Message, f.Reason, f.SchemaValidationErrors)
		}
	}
	return d
}

// operations lists what is described, as http.ServeMux would.
func (d *description) operations() (all []string) {
	for path, item := range d.paths {
		for method := range item.GetOperations().FromOldest() {
			all = append(all, strings.ToUpper(method)+" "+path)
		}
	}
	slices.Sort(all)
	return all
}

// find is the described path of a request, and the operation; nil when there is none.
func (d *description) find(method, path string) (string, *v3.PathItem, *v3.Operation) {
	best := ""
	for template := range d.paths {
		if fits(template, path) && (best == "" || strings.Count(template, "{") < strings.Count(best, "{")) {
			best = template
		}
	}
	if best == "" {
		return "", nil, nil
	}
	return best, d.paths[best], d.paths[best].GetOperations().GetOrZero(strings.ToLower(method))
}

// fits says whether a path is one of a template's. Only what OCSP puts there may hold
// slashes.
func fits(template, path string) bool {
	if rest, ok := strings.CutPrefix(path, "/ocsp/"); ok && rest != "" {
		return template == "/ocsp/{base64}"
	}
	want, got := strings.Split(template, "/"), strings.Split(path, "/")
	if prefix, ok := strings.CutSuffix(template, "/"); ok && prefix != "" && strings.HasPrefix(path, template) {
		return true // a subtree of http.ServeMux
	}
	if len(want) != len(got) {
		return false
	}
	for i, w := range want {
		if !strings.HasPrefix(w, "{") && w != got[i] || w == "{$}" && got[i] != "" {
			return false
		}
	}
	return true
}

// isPrivate says whether a request is for a page or door that is not described.
func (d *description) isPrivate(method, path string) bool {
	return slices.ContainsFunc(d.private, func(pattern string) bool {
		m, template, ok := strings.Cut(pattern, " ")
		return ok && (m == method || m == http.MethodGet && method == http.MethodHead) && fits(template, path)
	})
}

// before is h with a reader in front of it that holds each exchange against the document.
func (d *description) before(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var sent bytes.Buffer
		method, path := r.Method, r.URL.Path // a mux may clean it
		asked := r.Clone(r.Context())
		r.Body = struct {
			io.Reader
			io.Closer
		}{io.TeeReader(r.Body, &sent), r.Body}
		tee := &teeWriter{ResponseWriter: w}
		h.ServeHTTP(tee, r)
		if method == http.MethodHead || method == http.MethodOptions {
			return
		}
		io.Copy(io.Discard, r.Body)
		asked.Body = io.NopCloser(&sent)
		d.judge(method, path, asked, tee)
	})
}

// judge notes what of an exchange is not as described. What a caller sent is only held
// against the document when it was accepted: refusing is what the rest is for.
func (d *description) judge(method, path string, asked *http.Request, got *teeWriter) {
	status := got.status
	if status == 0 {
		status = http.StatusOK
	}
	template, item, op := d.find(method, path)
	if op == nil {
		if status != 404 && status != 405 && status != 421 && !d.isPrivate(method, path) {
			d.fault("%s %s answered %d and is not described", method, path, status)
		}
		return
	}
	name := method + " " + template
	res := &http.Response{StatusCode: status, Header: got.Header().Clone(), Body: io.NopCloser(bytes.NewReader(got.body.Bytes())), Request: asked}
	if op.Responses.Codes.GetOrZero(fmt.Sprint(status)) == nil {
		d.fault("%s answered %d, which is not described: %s", name, status, got.body.String())
		return
	}
	if ok, faults := d.validator.GetResponseBodyValidator().ValidateResponseBodyWithPathItem(asked, res, item, template); !ok {
		for _, f := range faults {
			d.fault("%s: %d: %s: %s: %+v: %s", name, status, f.Message, f.Reason, f.SchemaValidationErrors, got.body.String())
		}
	}
	if status >= 400 {
		return
	}
	d.mu.Lock()
	if status < 300 || op.Responses.Codes.GetOrZero("200") == nil {
		d.answered[name] = true
	}
	d.mu.Unlock()
	for param := range asked.URL.Query() {
		if !slices.ContainsFunc(op.Parameters, func(p *v3.Parameter) bool { return p.In == "query" && p.Name == param }) {
			d.fault("%s: the parameter %s was accepted and is not described", name, param)
		}
	}
	if template == "/ocsp/{base64}" { // what stands for it is no segment, see fits
		return
	}
	if ok, faults := d.validator.ValidateHttpRequestSyncWithPathItem(asked, item, template); !ok {
		for _, f := range faults {
			d.fault("%s: accepted: %s: %s: %+v", name, f.Message, f.Reason, f.SchemaValidationErrors)
		}
	}
}

func (d *description) fault(format string, args ...any) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if text := fmt.Sprintf(format, args...); !slices.Contains(d.faults, text) {
		d.faults = append(d.faults, text)
	}
}

// missed are operations that no exchange has shown to work.
func (d *description) missed() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.DeleteFunc(d.operations(), func(name string) bool { return d.answered[name] })
}

// codes are the problem codes that the document names.
func (d *description) codes() map[string]bool {
	codes := map[string]bool{}
	for _, item := range d.paths {
		for _, op := range item.GetOperations().FromOldest() {
			for _, response := range op.Responses.Codes.FromOldest() {
				if response.Content == nil {
					continue
				}
				media := response.Content.GetOrZero("application/problem+json")
				if media == nil {
					continue
				}
				code := media.Schema.Schema().AllOf[1].Schema().Properties.GetOrZero("code").Schema()
				for _, one := range code.Enum {
					codes[one.Value] = true
				}
				if code.Const != nil {
					codes[code.Const.Value] = true
				}
			}
		}
	}
	return codes
}

// teeWriter keeps what is answered.
type teeWriter struct {
	http.ResponseWriter
	status int
	body   bytes.Buffer
}

func (w *teeWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func (w *teeWriter) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *teeWriter) Write(b []byte) (int, error) {
	w.body.Write(b)
	return w.ResponseWriter.Write(b)
}
