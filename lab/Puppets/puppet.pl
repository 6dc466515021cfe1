# Connects and serves when it is told to: an order a line on standard input, an answer a line on standard output, each beginning with the order's number.
#   NUMBER connect tcp|udp ADDRESS PORT own|worker MILLISECONDS  -> NUMBER passed | NUMBER refused | NUMBER silent
#   NUMBER serve tcp|udp PORT                                    -> NUMBER serves
#   NUMBER forget                                                -> NUMBER forgot: connections still being tried are given up
# "own" makes the socket in this process, "worker" in one forked for it. What is served is answered by forked workers.
use strict;
use warnings;
use IO::Handle;
use POSIX qw(WNOHANG);
use Socket qw(:DEFAULT inet_pton pack_sockaddr_in6 IPV6_V6ONLY IPPROTO_IPV6 SOL_SOCKET SO_LINGER SO_REUSEADDR SO_ERROR);

my (%trying, @served);
$SIG{PIPE} = 'IGNORE';

sub say_to { syswrite(STDOUT, join(' ', @_) . "\n") }

sub made {
  my ($family, $transport) = @_;
  socket(my $socket, $family, $transport eq 'tcp' ? SOCK_STREAM : SOCK_DGRAM, 0) or die "socket: $!";
  return $socket;
}

sub forked {
  my ($work) = @_;
  my $pid = fork // die "fork: $!";
  return $pid if $pid;
  close STDIN;
  $work->();
  exit 0;
}

sub begun {
  my ($transport, $to, $port) = @_;
  my $v6 = $to =~ /:/;
  my $socket = made($v6 ? AF_INET6 : AF_INET, $transport);
  $socket->blocking(0);
  my $bytes = inet_pton($v6 ? AF_INET6 : AF_INET, $to);
  my $refused = !connect($socket, $v6 ? pack_sockaddr_in6($port, $bytes) : pack_sockaddr_in($port, $bytes)) && !$!{EINPROGRESS};
  return ($socket, $refused);
}

sub ready {
  my ($socket, $write, $seconds) = @_;
  vec(my $bits = "", fileno($socket), 1) = 1;
  return select($write ? undef : $bits, $write ? $bits : undef, undef, $seconds) > 0;
}

sub outcome {
  my ($transport, $socket, $refused, $seconds) = @_;
  return 'refused' if $refused;
  if ($transport eq 'tcp') {
    return 'silent' unless ready($socket, 1, $seconds);
    return 'refused' if unpack('i', getsockopt($socket, SOL_SOCKET, SO_ERROR));
    setsockopt($socket, SOL_SOCKET, SO_LINGER, pack('ii', 1, 0));
    return 'passed';
  }
  # A datagram that is lost is not sent again by anybody else.
  for (1 .. 2 * $seconds) {
    return "refused" unless defined syswrite($socket, "x");
    return defined sysread($socket, my $echo, 64) ? "passed" : "refused" if ready($socket, 0, 0.5);
  }
  return "silent";
}

sub serve {
  my ($transport, $port) = @_;
  my $socket = made(AF_INET6, $transport);
  setsockopt($socket, SOL_SOCKET, SO_REUSEADDR, 1);
  setsockopt($socket, IPPROTO_IPV6, IPV6_V6ONLY, 0);
  bind($socket, pack_sockaddr_in6($port, inet_pton(AF_INET6, "::"))) or die "bind $port: $!";
  listen($socket, 256) or die "listen: $!" if $transport eq 'tcp';
  for (1 .. ($transport eq 'tcp' ? 2 : 1)) {
    forked(sub {
      while (1) {
        if ($transport eq 'tcp') {
          # The client ends it; a reset of ours could reach it before it has seen that it is connected.
          accept(my $client, $socket) or next;
          ready($client, 0, 1);
        } else {
          my $from = recv($socket, my $message, 64, 0);
          send($socket, $message, 0, $from) if defined $from;
        }
      }
    });
  }
  return $socket;
}

while (my $order = <STDIN>) {
  # Until it is waited for, a number is nobody else's.
  while ((my $ended = waitpid(-1, WNOHANG)) > 0) {
    delete $trying{$ended};
  }
  my ($number, $what, @rest) = split ' ', $order;
  if ($what eq 'connect') {
    my ($transport, $to, $port, $maker, $milliseconds) = @rest;
    my @own = $maker eq 'own' ? begun($transport, $to, $port) : ();
    my $pid = forked(sub { say_to($number, outcome($transport, @own ? @own : begun($transport, $to, $port), $milliseconds / 1000)) });
    $trying{$pid} = 1;
  } elsif ($what eq 'serve') {
    push @served, serve(@rest);
    say_to($number, 'serves');
  } elsif ($what eq 'forget') {
    kill 'KILL', keys %trying;
    say_to($number, 'forgot');
  }
}
