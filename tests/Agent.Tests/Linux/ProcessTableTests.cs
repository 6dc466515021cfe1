using Bulkhead.Agent.Linux.Processes;

namespace Bulkhead.Agent.Tests.Linux;

public sealed class ProcessTableTests
{
    private readonly ProcessTable _table = new(CgroupTree.Open(null), new UserNames());

    [Fact]
    public void The_same_facts_are_handed_out_for_as_long_as_they_hold()
    {
        var found = _table.Find(Environment.ProcessId);
        Assert.NotNull(found);
        Assert.Same(found, _table.Find(Environment.ProcessId));
    }

    [Fact]
    public void A_process_in_another_unit_or_container_or_of_another_name_or_user_is_another()
    {
        var first = Facts();
        Assert.Same(first, _table.Same(first));
        Assert.Same(first, _table.Same(Facts()));
        foreach (var other in new[] { Facts(unit: "b.service"), Facts(container: "c"), Facts(name: "other"), Facts(uid: 1) })
        {
            Assert.Same(other, _table.Same(other));
        }
    }

    [Fact]
    public void What_a_process_was_before_it_changed_user_or_unit_is_not_found_any_more()
    {
        var found = _table.Find(Environment.ProcessId)!;
        var before = new ProcessFacts(found.Pid, found.StartTime, found.Path)
        {
            Name = found.Name, Unit = "before.service", User = found.User, Uid = found.Uid + 1, LoginUid = found.LoginUid,
        };
        Assert.Same(before, _table.Same(before));
        var now = _table.Find(Environment.ProcessId)!;
        Assert.Equal((found.Unit, found.Uid), (now.Unit, now.Uid));
    }

    private static ProcessFacts Facts(string unit = "a.service", string container = "", string name = "name", uint uid = 0) =>
        new(4711, 1, "/bin/a") { Name = name, Unit = unit, Container = container, User = "x", Uid = uid, LoginUid = ProcessFacts.NoLogin };
}
