using Bulkhead.Cli.Connection;

namespace Bulkhead.Cli.Tests.Connection;

public sealed class ProfileFileTests : IDisposable
{
    private static readonly Profile SignIn = new(new("https://127.0.0.1:8443/"), "a certificate", "admin", Guid.Empty, "the secret");

    private readonly Session _session = new();

    public void Dispose() => _session.Dispose();

    [Fact]
    public void Keeps_what_was_saved()
    {
        _session.Profile.Save(SignIn);
        _session.Profile.Save(SignIn with { User = "somebody" });
        Assert.Equal(SignIn with { User = "somebody" }, _session.Profile.Load());
    }

    [Fact]
    public void Only_its_owner_reads_it()
    {
        _session.Profile.Save(SignIn);
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, Mode(_session.Profile.Path));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute, Mode(Path.GetDirectoryName(_session.Profile.Path)!));
        Assert.Equal([_session.Profile.Path], Directory.GetFiles(Path.GetDirectoryName(_session.Profile.Path)!));
    }

    [Fact]
    public void Is_not_used_while_others_may_read_it()
    {
        _session.Profile.Save(SignIn);
        Allow(_session.Profile.Path, UnixFileMode.OtherRead);
        var failure = Assert.Throws<Failure>(_session.Profile.Load);
        Assert.Equal(ExitCode.NotSignedIn, failure.ExitCode);
        Assert.Contains("chmod 600", failure.Next, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("")]
    [InlineData("{}")]
    [InlineData("null")]
    [InlineData("{\"url\":\"https://127.0.0.1/\"")]
    public void A_damaged_one_says_so(string content)
    {
        _session.Profile.Save(SignIn);
        File.WriteAllText(_session.Profile.Path, content);
        Assert.Equal(ExitCode.NotSignedIn, Assert.Throws<Failure>(_session.Profile.Load).ExitCode);
    }

    private static UnixFileMode Mode(string path) => OperatingSystem.IsWindows() ? throw new PlatformNotSupportedException() : File.GetUnixFileMode(path);

    private static void Allow(string path, UnixFileMode more)
    {
        if (!OperatingSystem.IsWindows())
        {
            File.SetUnixFileMode(path, File.GetUnixFileMode(path) | more);
        }
    }
}
