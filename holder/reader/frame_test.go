package reader

import (
	"bytes"
	"errors"
	"io"
	"testing"
)

func TestAMessageIsOneWriteAndAtMost65535Bytes(t *testing.T) {
	var out writes
	if err := writeFrame(&out, []byte{1, 2, 3}); err != nil || len(out) != 1 || !bytes.Equal(out[0], []byte{0, 3, 1, 2, 3}) {
		t.Errorf("got %x, %v", out, err)
	}
	if err := writeFrame(&out, make([]byte, maxFrame+1)); !errors.Is(err, errFrame) || len(out) != 1 {
		t.Errorf("got %v", err)
	}
	if err := writeFrame(&out, make([]byte, maxFrame)); err != nil {
		t.Error(err)
	}
}

type writes [][]byte

func (w *writes) Write(b []byte) (int, error) {
	*w = append(*w, bytes.Clone(b))
	return len(b), nil
}

func TestHangingUpBetweenMessagesIsNotHangingUpInside(t *testing.T) {
	for name, test := range map[string]struct {
		stream []byte
		want   error
	}{
		"between":       {nil, io.EOF},
		"in the length": {[]byte{0}, io.ErrUnexpectedEOF},
		"in the body":   {[]byte{0, 2, 1}, io.ErrUnexpectedEOF},
		"before it":     {[]byte{0, 2}, io.ErrUnexpectedEOF},
	} {
		if _, err := readFrame(bytes.NewReader(test.stream), nil); err != test.want {
			t.Errorf("%s: got %v, want %v", name, err, test.want)
		}
	}
}

// FuzzFrame: what is read is written again as the same bytes.
func FuzzFrame(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte{0, 0})
	f.Add([]byte{0, 1, 4, 0, 2, 0x90, 0})
	f.Add([]byte{0xFF, 0xFF, 1})
	f.Fuzz(func(t *testing.T, stream []byte) {
		in, out := bytes.NewReader(stream), &bytes.Buffer{}
		for {
			at := len(stream) - in.Len()
			body, err := readFrame(in, nil)
			if err != nil {
				if !bytes.Equal(out.Bytes(), stream[:at]) {
					t.Fatalf("%x was written again as %x", stream[:at], out.Bytes())
				}
				return
			}
			if err := writeFrame(out, body); err != nil {
				t.Fatal(err)
			}
		}
	})
}
