package properties

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/coldfuse/coldfuse/internal/testserver/dynamolocal"
)

var server *dynamolocal.Server

func TestMain(m *testing.M) {
	code := dynamolocal.Main(m, &server)
	printFigures()
	os.Exit(code)
}

// figures are the rows of the table in docs/correctness.md, one for each proof.
var figures struct {
	sync.Mutex
	rows []string
}

// figure adds a row with the extent of a proof that found nothing.
func figure(proof, extent string, values ...any) {
	figures.Lock()
	defer figures.Unlock()
	figures.rows = append(figures.rows, "| "+proof+" | "+fmt.Sprintf(extent, values...)+" |")
}

func printFigures() {
	if !testing.Verbose() || len(figures.rows) == 0 {
		return
	}
	slices.Sort(figures.rows)
	fmt.Println("| proof | gone through |\n|---|---|")
	fmt.Println(strings.Join(figures.rows, "\n"))
}
