using Bulkhead.Cli.Workloads;

namespace Bulkhead.Cli.Tests.Workloads;

public sealed class LabelCsvTests
{
    [Fact]
    public void Reads_what_spreadsheets_write()
    {
        var edits = LabelCsv.Read("\uFEFFworkload,role,app,env\r\n\"web1\",web,store front,prod\r\n\r\ndb1, db ,,-\r\n");
        Assert.Equal(["web1", "db1"], edits.Select(edit => edit.Workload));
        Assert.Equal([("app", "store front"), ("env", "prod"), ("role", "web")], edits[0].Set.Select(label => (label.Key, label.Value)));
        Assert.Equal([("role", "db")], edits[1].Set.Select(label => (label.Key, label.Value)));
        Assert.Equal(["env"], edits[1].Remove);
        Assert.Empty(edits[0].Remove);
    }

    [Theory]
    [InlineData("", "line 1: bad-heading")]
    [InlineData("web1,web", "line 1: bad-heading")]
    [InlineData("workload\nweb1", "line 1: bad-heading")]
    [InlineData("workload,Role,app,app\n", "line 1: bad-label-key; line 1: repeated-key")]
    [InlineData("workload,role\nweb1\nweb2,a=b\nweb2,web\n,web", "line 2: bad-line; line 3, role: bad-label-value; line 4: repeated-workload; line 5: no-workload")]
    [InlineData("workload,role\n\"we\nb\",web\nweb2,a|b", "line 4, role: bad-label-value")]
    public void Says_everything_that_is_wrong(string text, string problems)
    {
        var failure = Assert.Throws<Failure>(() => LabelCsv.Read(text));
        Assert.Equal(problems, string.Join("; ", failure.Diagnostics.Select(found => $"{found.Path}: {found.Code}")));
    }
}
