package main_test

import (
	"fmt"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// recipe is a section of docs/recipes.md.
type recipe struct {
	name   string // as its anchor
	blocks []block
}

// block is a fenced block of a recipe. Behind the fence's language stand
//
//	worker=NAME    it makes the worker's exports/, in a folder of its own
//	file=PATH      it is a file there, or in the caller's folder
//	replicas=N     so many of that worker serve
//
// and a block without them is the caller's script.
type block struct {
	worker, file string
	replicas     int
	text         string
}

var (
	recipeTitle = regexp.MustCompile(`^## (\d+\. .*)\n$`)
	recipeFence = regexp.MustCompile("^```[a-z]+(( [a-z]+=\\S+)*)\n$")
	notInAnchor = regexp.MustCompile(`[^a-z0-9 -]`)
)

// readRecipes reads the document, whose list names each recipe.
func readRecipes(t *testing.T, path string) (all []recipe) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var open *block
	for line := range strings.Lines(string(text)) {
		title, fence := recipeTitle.FindStringSubmatch(line), recipeFence.FindStringSubmatch(line)
		switch {
		case open != nil && line == "```\n":
			last := &all[len(all)-1]
			last.blocks = append(last.blocks, *open)
			open = nil
		case open != nil:
			open.text += line
		case title != nil:
			anchor := strings.ReplaceAll(notInAnchor.ReplaceAllString(strings.ToLower(title[1]), ""), " ", "-")
			if !strings.Contains(string(text), "](#"+anchor+")\n") {
				t.Errorf("the list has no (#%s)", anchor)
			}
			all = append(all, recipe{name: anchor})
		case fence != nil:
			open = newBlock(t, fence[1])
		case strings.HasPrefix(line, "```"):
			t.Fatalf("%s: cannot use the fence %q", path, line)
		}
	}
	return all
}

func newBlock(t *testing.T, attributes string) *block {
	t.Helper()
	b := &block{replicas: 1}
	for _, attribute := range strings.Fields(attributes) {
		var err error
		switch key, value, _ := strings.Cut(attribute, "="); key {
		case "worker":
			b.worker = value
		case "file":
			b.file = value
		case "replicas":
			b.replicas, err = strconv.Atoi(value)
		default:
			err = fmt.Errorf("unknown")
		}
		if err != nil {
			t.Fatalf("cannot use %q behind a fence: %v", attribute, err)
		}
	}
	return b
}
