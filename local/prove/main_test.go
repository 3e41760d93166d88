package prove

import (
	"os"
	"testing"

	"github.com/coldfuse/coldfuse/internal/dynamolocal"
)

var server *dynamolocal.Server

func TestMain(m *testing.M) { os.Exit(dynamolocal.Main(m, &server)) }
