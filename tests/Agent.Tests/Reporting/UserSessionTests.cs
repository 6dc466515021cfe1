using System.Runtime.InteropServices;
using System.Text;
using Bulkhead.Agent.Reporting;

namespace Bulkhead.Agent.Tests.Reporting;

public sealed class UserSessionTests
{
    private static readonly (int Length, int Time, int Address) _layout = RuntimeInformation.ProcessArchitecture == Architecture.X64 ? (384, 340, 348) : (400, 344, 360);

    [Fact]
    public void Lines_on_which_somebody_is_signed_in_are_read()
    {
        byte[] content = [.. Record(7, "root", "tty1", [], 1_700_000_000), .. Record(8, "gone", "tty2", [], 5), .. Record(7, "alice", "pts/0", [192, 0, 2, 7], 9)];
        Assert.Equal(
            ["root tty1  1700000000", "alice pts/0 192.0.2.7 9"],
            LoginRecords.Parse(content).Select(record => $"{record.User} {record.Line} {record.Remote} {record.Since}"));
    }

    [Fact]
    public void A_cut_or_missing_file_gives_what_is_whole()
    {
        Assert.Empty(LoginRecords.Parse(Record(7, "root", "tty1", [], 1).AsSpan(0, 300)));
        Assert.Empty(LoginRecords.Read("/nonexistent/utmp"));
    }

    [Fact]
    public void Any_bytes_are_survived()
    {
        var random = new Random(7);
        for (var round = 0; round < 5000; round++)
        {
            var bytes = new byte[random.Next(1200)];
            random.NextBytes(bytes);
            if (bytes.Length > 2)
            {
                (bytes[0], bytes[1]) = (7, 0);
            }

            Assert.True(LoginRecords.Parse(bytes).Count <= 3);
        }
    }

    private static byte[] Record(short kind, string user, string line, byte[] address, int time)
    {
        var bytes = new byte[_layout.Length];
        BitConverter.GetBytes(kind).CopyTo(bytes, 0);
        Encoding.UTF8.GetBytes(line).CopyTo(bytes, 8);
        Encoding.UTF8.GetBytes(user).CopyTo(bytes, 44);
        BitConverter.GetBytes(time).CopyTo(bytes, _layout.Time);
        address.CopyTo(bytes, _layout.Address);
        return bytes;
    }
}
