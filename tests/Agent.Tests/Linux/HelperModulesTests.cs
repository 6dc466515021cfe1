using Bulkhead.Agent.Linux.Firewall;
using Bulkhead.Policy.Services;

namespace Bulkhead.Agent.Tests.Linux;

/// <summary>What files say of the kernel's helpers, so that nothing has to be loaded to find out.</summary>
public sealed class HelperModulesTests : IDisposable
{
    private const string Release = "6.1.0-test";
    private readonly TemporaryFolder _root = new();

    [Fact]
    public void Where_modules_can_be_loaded_only_what_is_built_in_or_loaded_is_asked_for()
    {
        Write($"lib/modules/{Release}/modules.alias", "# Aliases\nalias nfct-helper-ftp nf_conntrack_ftp\nalias nfct-helper-netbios-ns nf_conntrack_netbios_ns\nalias nfct-helper-tftp nf_conntrack_tftp\n");
        Write($"lib/modules/{Release}/modules.builtin", "kernel/net/netfilter/nf_conntrack_sane.ko\n");
        Write("sys/module/nf_conntrack_tftp/refcnt", "0\n");
        Assert.Equal("amanda Missing, ftp Loadable, netbios-ns Loadable, pptp Missing, sane MayBeAsked, sip Missing, snmp Missing, tftp MayBeAsked",
            string.Join(", ", ConnectionHelper.All.Select(helper => $"{helper} {Of(helper.Name).Presence}")));
    }

    [Fact]
    public void Where_there_are_no_modules_nothing_can_be_loaded_by_asking() =>
        Assert.All(ConnectionHelper.All, helper => Assert.Equal((HelperPresence.MayBeAsked, null), Of(helper.Name)));

    [Theory]
    [InlineData("ftp", "loose", "N", "Y")]
    [InlineData("sip", "sip_direct_media", "1", "0")]
    [InlineData("sip", "sip_direct_signalling", "1", "0")]
    [InlineData("sip", "sip_external_media", "0", "1")]
    public void A_helper_whose_parameters_let_in_more_is_not_offered_and_it_is_said_why(string helper, string parameter, string safe, string unsafeValue)
    {
        Write($"sys/module/nf_conntrack_{helper}/parameters/{parameter}", safe + "\n");
        Assert.Equal((HelperPresence.MayBeAsked, null), Of(helper));
        Write($"sys/module/nf_conntrack_{helper}/parameters/{parameter}", unsafeValue + "\n");
        var (presence, why) = Of(helper);
        Assert.Equal(HelperPresence.Missing, presence);
        Assert.StartsWith($"nf_conntrack_{helper} has {parameter}={unsafeValue}, ", why, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("etc/modprobe.d/a.conf", "options nf_conntrack_ftp loose=1\n")]
    [InlineData("usr/lib/modprobe.d/a.conf", "install nf-conntrack-ftp /bin/false\n")]
    [InlineData("run/modprobe.d/a.conf", "blacklist nf_conntrack_ftp\n")]
    [InlineData("proc/cmdline", "quiet nf_conntrack_ftp.loose=1\n")]
    [InlineData("proc/sys/kernel/modules_disabled", "1\n")]
    public void What_is_configured_about_a_module_that_is_not_loaded_is_not_guessed(string file, string text)
    {
        Write($"lib/modules/{Release}/modules.alias", "alias nfct_helper_ftp nf_conntrack_ftp\n");
        Write(file, text.Replace("nf_conntrack_ftp", "nf_conntrack", StringComparison.Ordinal).Replace("nf-conntrack-ftp", "nf-conntrack", StringComparison.Ordinal).Replace("1\n", "0\n", StringComparison.Ordinal));
        Assert.Equal((HelperPresence.Loadable, null), Of("ftp"));
        Write(file, text);
        Assert.Equal(HelperPresence.Missing, Of("ftp").Presence);
        Assert.StartsWith("nf_conntrack_ftp is not loaded, and ", Of("ftp").Why, StringComparison.Ordinal);
    }

    public void Dispose() => _root.Dispose();

    private (HelperPresence Presence, string? Why) Of(string helper) => new HelperModules(_root.Path, Release).Of(ConnectionHelper.Find(helper)!);

    private void Write(string file, string text)
    {
        var path = Path.Combine(_root.Path, file);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllText(path, text);
    }
}
